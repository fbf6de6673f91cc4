"""How the page looks: one quiet theme, the system's own fonts, one column on a phone."""

from __future__ import annotations

import gradio as gr

# System fonts first; then, by name, what Linux, Windows, macOS and Android bring for Korean, Japanese and
# Thai, where the first choice has no fallback of its own. Nothing is fetched.
FONTS = (
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', "
    "'Noto Sans KR', 'Noto Sans CJK KR', 'Apple SD Gothic Neo', 'Malgun Gothic', 'Nanum Gothic', "
    "'Noto Sans JP', 'Noto Sans CJK JP', 'Hiragino Sans', 'Yu Gothic', Meiryo, "
    "'Noto Sans Thai', 'Noto Sans Thai UI', Thonburi, 'Leelawadee UI', Garuda, sans-serif"
)

THEME = gr.themes.Base(
    primary_hue="violet",
    neutral_hue="zinc",
    radius_size="lg",
    font=gr.themes.Font("sans-serif"),
    font_mono=gr.themes.Font("monospace"),
).set(
    # Gradio's own grey for the less important is too light to read on white (WCAG asks for 4.5 to 1).
    body_text_color_subdued="*neutral_500",
    body_text_color_subdued_dark="*neutral_400",
    block_info_text_color="*neutral_500",
    block_info_text_color_dark="*neutral_400",
    input_placeholder_color="*neutral_500",
    input_placeholder_color_dark="*neutral_400",
    body_background_fill="*neutral_50",
    body_background_fill_dark="*neutral_950",
    block_border_width="1px",
    block_shadow="none",
    button_primary_background_fill="*primary_600",
    button_primary_background_fill_hover="*primary_700",
    button_primary_background_fill_dark="*primary_600",
    button_primary_background_fill_hover_dark="*primary_500",
    button_primary_text_color="white",
)

CSS = (
    f":root, .dark {{ --font: {FONTS}; }}"
    + """
.gradio-container { max-width: 1180px !important; margin: 0 auto !important; }
.ive-head { padding: 4px 2px 0; }
.ive-head h1 { font-size: 1.6rem; font-weight: 700; letter-spacing: -0.01em; margin: 0; }
.ive-head p { margin: 2px 0 0; color: var(--body-text-color-subdued); }

.ive-note { border: 1px solid var(--border-color-primary); border-left: 4px solid var(--neutral-400);
  border-radius: var(--radius-md); padding: 10px 14px; background: var(--background-fill-primary);
  line-height: 1.5; overflow-wrap: anywhere; }
.ive-note p { margin: 0; }
.ive-note p + p { margin-top: 6px; }
.ive-note strong { font-weight: 650; }
.ive-note.good { border-left-color: #16a34a; }
.ive-note.warn { border-left-color: #d97706; }
.ive-note.bad { border-left-color: #dc2626; }
.ive-hint { color: var(--body-text-color-subdued); font-size: .92rem; line-height: 1.5; }

.ive-table { width: 100%; border-collapse: collapse; font-size: .95rem; }
.ive-table caption { text-align: left; font-weight: 650; padding: 2px 0 8px; }
.ive-table th { text-align: left; font-weight: 600; font-size: .82rem; color: var(--body-text-color-subdued);
  padding: 6px 10px 6px 0; border-bottom: 1px solid var(--border-color-primary); white-space: nowrap; }
.ive-table th:last-child { white-space: normal; }
.ive-table td { padding: 10px 10px 10px 0; border-bottom: 1px solid var(--border-color-primary);
  vertical-align: middle; overflow-wrap: anywhere; }
.ive-table tr:last-child td { border-bottom: 0; }
.ive-table .num { font-variant-numeric: tabular-nums; }
.ive-table .who { font-weight: 650; }
.ive-table .sub { display: block; font-weight: 400; font-size: .86rem; color: var(--body-text-color-subdued);
  white-space: normal; }
.ive-table img { display: block; border-radius: var(--radius-md);
  background: var(--background-fill-secondary); }
.ive-table .pic { width: 72px; }
.ive-face { display: block; width: 60px; min-width: 60px; height: 60px; object-fit: cover;
  border-radius: var(--radius-md); background: var(--background-fill-secondary); }
.ive-evidence { display: flex; gap: 8px; flex-wrap: wrap; }
.ive-evidence figure { margin: 0; text-align: center; }
.ive-evidence img { width: 72px; height: 72px; object-fit: cover; }
.ive-evidence figcaption { font-size: .78rem; color: var(--body-text-color-subdued);
  font-variant-numeric: tabular-nums; }
/* Bars can be compared however long a name is. */
.ive-counts { table-layout: fixed; }
.ive-photos { margin-top: 18px; }
.ive-title { font-weight: 650; margin: 18px 0 6px; }
.ive-list { margin: 0; padding-left: 1.2em; line-height: 1.6; list-style: disc; }
.ive-map svg { display: block; width: 100%; max-width: 560px !important; margin: 0 auto; }
.ive-way { margin-top: 8px; height: 6px; border-radius: 3px; background: var(--border-color-primary); }
.ive-bar { height: 6px; border-radius: 3px; background: var(--primary-500); min-width: 2px; }

/* Words stand flush with the boxes round them, and progress does not run across them. */
.ive-flush .html-container { padding: 0; }
#said, #members-said, #film-said { min-height: 64px; scroll-margin: 16px; }
#said .wrap.translucent, #members-said .wrap.translucent { opacity: 1;
  background: var(--body-background-fill); }
#point:not(:has(p)), #film-about:not(:has(p)) { display: none; }
#film-about video, #film-overlay video, #film-fancam video { display: block; width: 100%;
  border-radius: var(--radius-lg); background: black; }
#film-about video { max-height: min(300px, 30vh); margin-bottom: 6px; }
#film-overlay video { max-height: 72vh; }
#film-fancam video { max-height: 480px; }
:is(#film-overlay, #film-fancam) .ive-title { margin: 6px 0; }
#film-stage img { display: block; width: 100%; border-radius: var(--radius-lg); }
/* While the next answer is on its way, the old one is seen to be old. */
#overlay, #files, #masks, #faces { transition: opacity .2s .2s; }
.gradio-container:has(#said > .translucent:not(.hide)) :is(#overlay, #files, #masks, #faces) { opacity: .4; }
#masks .grid-wrap { min-height: 0; max-height: none !important; padding-top: var(--size-9); }
/* An even number in a row: a cutout and its mask stay together, each over its caption. */
#masks .grid-container { grid-template-columns: repeat(4, 1fr); grid-auto-rows: auto;
  padding-top: 0; }
#masks .thumbnail-lg { display: flex; flex-direction: column; height: auto; aspect-ratio: auto; }
#masks .thumbnail-lg > img { height: auto; aspect-ratio: 1; }
#masks .thumbnail-lg .caption-label { position: static; max-width: none; width: 100%; border: 0;
  white-space: normal; overflow-wrap: anywhere; text-align: center; opacity: 1; }
#overlay img { max-height: 72vh; object-fit: contain; }
footer .divider { display: none; }
.modebar-container { display: none; }
.js-plotly-plot .main-svg text:not(.heatmap-label text) { fill: var(--body-text-color-subdued) !important; }
/* Names of files tell masks apart, their beginnings do not: all of a name is shown. No size, no gap between
   stem and ending. */
.ive-files .filename { display: block; max-width: none; font-size: 0; overflow-wrap: anywhere; }
.ive-files .download { min-width: 6rem; }
.ive-files :is(.stem, .ext) { font-size: var(--text-md); white-space: normal; }
textarea:focus-visible, input:focus-visible { outline: 2px solid var(--primary-500) !important;
  outline-offset: 1px; }
button:focus-visible, a:focus-visible { outline: 2px solid currentColor !important; outline-offset: -2px; }
@media (forced-colors: active) {
  button { border: 1px solid ButtonBorder !important; }
  [role=tab][aria-selected=true] { border-bottom: 4px solid Highlight !important; }
  .ive-way, .ive-bar, .ive-map { forced-color-adjust: none; }
}
/* What is offered for download cannot be taken away. */
.ive-files .label-clear-button { display: none; }

/* What a cutout leaves out shows as a chequerboard. */
.ive-masks img { background: repeating-conic-gradient(#cfcfd6 0 25%, #ffffff 0 50%) 0 0 / 18px 18px; }
.dark .ive-masks img { background: repeating-conic-gradient(#8b8b95 0 25%, #b4b4bd 0 50%) 0 0 / 18px 18px; }

@media (max-width: 640px) {
  /* One column, with the answer right below the button that asks for it. */
  #ask, #ask > .column { display: contents; }
  #frames { order: 1; }
  #masks .grid-container { grid-template-columns: repeat(2, 1fr); }
  .ive-map text { font-size: 26px; }
  /* Room to scroll to what is said before the frame that follows it is there. */
  #film-answer:has([role=progressbar]) { min-height: 100vh; }
  .ive-table thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  .ive-table, .ive-table tbody, .ive-table caption { display: block; }
  .ive-table tr { display: grid; grid-template-columns: 72px 1fr; column-gap: 10px; row-gap: 4px;
    padding: 10px 0; border-bottom: 1px solid var(--border-color-primary); }
  .ive-table td { border: 0; padding: 0; grid-column: 2; }
  .ive-table td.pic { grid-column: 1; grid-row: 1 / span 3; }
  .ive-table td[data-label]::before { content: attr(data-label) " "; font-size: .82rem;
    color: var(--body-text-color-subdued); }
  .ive-table td.wide { grid-column: 1 / -1; }
  .ive-table td.wide[data-label]::before { display: block; margin-bottom: 4px; }
  .ive-table td:empty { display: none; }
}
"""
)
