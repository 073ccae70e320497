"""Bodies of the chat server: OpenAI's chat completions with what vLLM adds to them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from models.schemas import Request, Usage

MOST_MESSAGES = 512
MOST_STOPS = 16


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class TextPart(_Part):
    type: Literal["text"]
    text: str


class Message(_Part):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[TextPart]

    @property
    def text(self) -> str:
        return self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)


class StreamOptions(_Part):
    include_usage: bool = False


class NamedSchema(_Part):
    model_config = ConfigDict(frozen=True, populate_by_name=True)

    name: str = "answer"
    json_schema: Annotated[dict[str, Any], Field(alias="schema")]


class ResponseFormat(_Part):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: NamedSchema | None = None


class StructuredOutputs(_Part):
    """vLLM's; a grammar in GBNF whose first rule is `root`."""

    grammar: str


class ChatRequest(Request):
    """`temperature` 0 is greedy; without a `seed` each answer is drawn anew."""

    messages: Annotated[list[Message], Field(min_length=1, max_length=MOST_MESSAGES)]
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] = 1.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    stop: str | Annotated[list[str], Field(max_length=MOST_STOPS)] = ()  # type: ignore[assignment]
    n: Literal[1] = 1
    stream: bool = False
    stream_options: StreamOptions | None = None
    logprobs: bool = False
    top_logprobs: Annotated[int, Field(ge=0, le=20)] = 0
    response_format: ResponseFormat | None = None
    structured_outputs: StructuredOutputs | None = None

    @property
    def most_tokens(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens

    @property
    def stops(self) -> tuple[str, ...]:
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop)


class TokenizeRequest(Request):
    """A text as it is, or messages as the template writes them."""

    prompt: str | None = None
    messages: Annotated[list[Message], Field(min_length=1, max_length=MOST_MESSAGES)] | None = None


class TokenizeResponse(BaseModel):
    count: int
    max_model_len: int
    tokens: list[int]


class TokenLogprob(BaseModel):
    """`bytes`, since a token may be part of a character."""

    token: str
    logprob: float
    bytes: list[int]


class ChosenLogprob(TokenLogprob):
    top_logprobs: list[TokenLogprob] = []


class Logprobs(BaseModel):
    content: list[ChosenLogprob]


class Answered(BaseModel):
    role: Literal["assistant"] = "assistant"
    content: str


class Choice(BaseModel):
    """`mean_logprob` is ours: how sure the model was of its tokens, 0 being certain."""

    index: Literal[0] = 0
    message: Answered
    logprobs: Logprobs | None = None
    finish_reason: str
    mean_logprob: float | None = None


class PromptDetails(BaseModel):
    cached_tokens: int


class ChatUsage(Usage):
    completion_tokens: int
    prompt_tokens_details: PromptDetails


class ChatResponse(BaseModel):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: ChatUsage


class Delta(BaseModel):
    role: Literal["assistant"] | None = None
    content: str | None = None


class ChunkChoice(BaseModel):
    index: Literal[0] = 0
    delta: Delta
    logprobs: Logprobs | None = None
    finish_reason: str | None = None
    mean_logprob: float | None = None


class ChatChunk(BaseModel):
    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: ChatUsage | None = None
