"""Noun phrases as SAM 3's text encoder sees them: each is encoded once ever, then kept on disk."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor
from transformers import BatchEncoding, PreTrainedTokenizerBase

from ive_segmentation.segmentation.devices import SegmentationError, computes_bfloat16
from ive_segmentation.segmentation.weights import fingerprint, load_part
from ive_segmentation.writing import WriteError, write_whole

LENGTH = 32
"""Tokens SAM 3's text encoder takes (Sam3Processor pads to the same)."""


@dataclass(frozen=True, eq=False)
class Words:
    """A noun phrase as SAM 3's decoder takes it: embedding (1, T, C), and which tokens count (1, T) int64."""

    embedding: Tensor
    attention: Tensor


class Reader:
    """Reads noun phrases; its text encoder is loaded for phrases not on disk only, and on the CPU only."""

    def __init__(
        self,
        folder: Path,
        tokenizer: PreTrainedTokenizerBase,
        device: torch.device,
        dtype: torch.dtype,
        cache: Path,
    ) -> None:
        self.folder = folder
        self._tokenizer = tokenizer
        self._device = device
        self._dtype = dtype
        self._cache = cache / f"{fingerprint(folder)}-{str(dtype).removeprefix('torch.')}"
        self._read: dict[str, Words] = {}

    def read(self, concepts: Sequence[str]) -> list[Words]:
        """Return the phrases' embeddings: from memory, from disk, or from the text encoder.

        Args:
            concepts: English noun phrases.

        Returns:
            One for each, on the device and in the dtype of the decoder.

        Raises:
            SegmentationError: If a phrase is longer than the text encoder reads.
            CheckpointError: If the text encoder is needed and cannot be loaded.
        """
        new = {concept: self._tokens(concept) for concept in concepts if concept not in self._read}
        embeddings: dict[str, Any] = {concept: self._from_disk(concept) for concept in new}
        unknown = [concept for concept, embedding in embeddings.items() if embedding is None]
        if unknown:
            # Not kept: it is two fifths of the weights, and words are seldom new.
            # It stays on the CPU, which need not compute what the GPU does.
            native = self._dtype == torch.float32 or computes_bfloat16(torch.device("cpu"))
            encoder = load_part(self.folder, self._dtype if native else torch.float32, text=True)
            for concept in unknown:
                with torch.inference_mode():
                    read = encoder.get_text_features(**new[concept]).pooler_output
                embeddings[concept] = read.to(self._dtype)
                self._to_disk(concept, embeddings[concept])
        for concept, embedding in embeddings.items():
            attention = new[concept].attention_mask.to(self._device)
            self._read[concept] = Words(embedding.to(self._device), attention)
        return [self._read[concept] for concept in concepts]

    def _tokens(self, concept: str) -> BatchEncoding:
        tokens = self._tokenizer(concept, padding="max_length", max_length=LENGTH, return_tensors="pt")
        if tokens.input_ids.shape[1] > LENGTH:
            raise SegmentationError(
                f"“{concept[:40]}…” is too long for SAM 3, which reads {LENGTH} tokens. Ask in fewer words."
            )
        return tokens

    def _file(self, concept: str) -> Path:
        # The file's name does not tell what was asked for.
        return self._cache / f"{hashlib.blake2b(concept.encode(), digest_size=16).hexdigest()}.safetensors"

    def _to_disk(self, concept: str, embedding: Tensor) -> None:
        with contextlib.suppress(WriteError):  # then it is encoded again at the next start
            content = safetensors.torch.save({"embedding": embedding}, {"digest": _digest(embedding)})
            write_whole(self._file(concept), content)

    def _from_disk(self, concept: str) -> Tensor | None:
        try:
            with safetensors.safe_open(self._file(concept), "pt") as file:
                embedding, said = file.get_tensor("embedding"), file.metadata()["digest"]
        except (OSError, SafetensorError, KeyError, TypeError):  # not there, or damaged: it is made again
            return None
        # A disk that failed leaves zeros as well, and with them nothing would ever be found.
        whole = embedding.dtype == self._dtype and _digest(embedding) == said
        return embedding if whole else None


def _digest(embedding: Tensor) -> str:
    content = embedding.contiguous().view(torch.uint8).numpy().tobytes()
    return hashlib.blake2b(content, digest_size=16).hexdigest()
