r"""The starter chat model's own byte-level BPE, and conversations as its tokens.

    <|im_start|>role\n text <|im_end|>\n … <|im_start|>assistant\n answer <|im_end|>

Words are cut as Qwen2's tokenizer cuts them, which llama.cpp knows under that name: digits stand alone, so that a value
is copied figure by figure.
"""

from collections.abc import Iterable
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from models.starter.chat.examples import Talk

PRE = "qwen2"
CUT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
VOCABULARY = 4096
END, OPENS, CLOSES = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
CONTROL = (END, OPENS, CLOSES)


def learned(texts: Iterable[str], vocabulary: int = VOCABULARY) -> Tokenizer:
    """A tokenizer of `vocabulary` tokens, the control tokens first, learned from the texts."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(CUT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(CONTROL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def opened(path: Path) -> Tokenizer:
    return Tokenizer.from_file(str(path))


def plain(tokenizer: Tokenizer, text: str) -> list[int]:
    """Ids of a text in which a control token's name is only characters."""
    tokenizer.encode_special_tokens = True
    return list(tokenizer.encode(text, add_special_tokens=False).ids)


def control(tokenizer: Tokenizer, name: str) -> int:
    token: int | None = tokenizer.token_to_id(name)
    assert token is not None
    return token


def encoded(tokenizer: Tokenizer, talk: Talk) -> tuple[list[int], int]:
    """Ids of the whole conversation, and how many of them come before the answer."""
    opens, closes = control(tokenizer, OPENS), control(tokenizer, CLOSES)
    new_line = plain(tokenizer, "\n")
    ids: list[int] = []
    for role, text in talk.messages:
        ids += [opens, *plain(tokenizer, f"{role}\n{text}"), closes, *new_line]
    ids += [opens, *plain(tokenizer, "assistant\n")]
    return [*ids, *plain(tokenizer, talk.answer), closes], len(ids)
