"""Noun phrases as SAM 3's text encoder sees them: each is encoded once ever, then kept on disk."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor
from transformers import BatchEncoding, PreTrainedTokenizerBase

from ive_segmentation.output.writing import WriteError, write_whole
from ive_segmentation.segmentation.devices import SegmentationError
from ive_segmentation.segmentation.weights import fingerprint, load_part

LENGTH = 32
"""Tokens SAM 3's text encoder takes (Sam3Processor pads to the same)."""


@dataclass(frozen=True, eq=False)
class Words:
    """A noun phrase as SAM 3's decoder takes it: embedding (1, T, C), and which tokens count (1, T) int64."""

    embedding: Tensor
    attention: Tensor


class Reader:
    """Reads noun phrases; its text encoder stays on the CPU, loaded at the first phrase not on disk."""

    def __init__(
        self,
        folder: Path,
        tokenizer: PreTrainedTokenizerBase,
        device: torch.device,
        dtype: torch.dtype,
        cache: Path,
    ) -> None:
        self._folder = folder
        self._tokenizer = tokenizer
        self._device = device
        self._dtype = dtype
        self._cache = cache / f"{fingerprint(folder)}-{str(dtype).removeprefix('torch.')}"
        self._encoder: Any = None
        self._read: dict[str, Words] = {}

    def read(self, concept: str) -> Words:
        """Return a phrase's embedding: from memory, from disk, or from the text encoder.

        Args:
            concept: An English noun phrase.

        Returns:
            The embedding, on the device and in the dtype of the decoder.

        Raises:
            SegmentationError: If the phrase is longer than the text encoder reads.
            CheckpointError: If the text encoder is needed and cannot be loaded.
        """
        if concept not in self._read:
            tokens = self._tokens(concept)
            embedding = self._from_disk(concept)
            if embedding is None:
                embedding = self._encode(tokens)
                with contextlib.suppress(WriteError):  # then it is encoded again at the next start
                    write_whole(self._file(concept), safetensors.torch.save({"embedding": embedding}))
            self._read[concept] = Words(embedding.to(self._device), tokens.attention_mask.to(self._device))
        return self._read[concept]

    def _tokens(self, concept: str) -> BatchEncoding:
        tokens = self._tokenizer(concept, padding="max_length", max_length=LENGTH, return_tensors="pt")
        if tokens.input_ids.shape[1] > LENGTH:
            raise SegmentationError(
                f"“{concept[:40]}…” is too long for SAM 3, which reads {LENGTH} tokens. Ask in fewer words."
            )
        return tokens

    def _encode(self, tokens: BatchEncoding) -> Tensor:
        if self._encoder is None:
            self._encoder = load_part(self._folder, self._dtype, text=True)
        with torch.inference_mode():
            return self._encoder.get_text_features(**tokens).pooler_output

    def _file(self, concept: str) -> Path:
        # The file's name does not tell what was asked for.
        return self._cache / f"{hashlib.blake2b(concept.encode(), digest_size=16).hexdigest()}.safetensors"

    def _from_disk(self, concept: str) -> Tensor | None:
        try:
            embedding = safetensors.torch.load_file(self._file(concept))["embedding"]
        except (OSError, SafetensorError, KeyError):  # not there, or damaged: the encoder makes it again
            return None
        whole = embedding.dtype == self._dtype and embedding.shape[:2] == (1, LENGTH)
        return embedding if whole else None
