"""Bodies of the chat server: OpenAI's chat completions with what vLLM adds to them."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.schemas import Request, Usage

MOST_MESSAGES = 512
MOST_STOPS = 16
MOST_CALLS = 16
MOST_ARGUMENTS = 64 * 1024


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class TextPart(_Part):
    type: Literal["text"]
    text: str


class AskedFunction(_Part):
    name: str
    arguments: Annotated[str, Field(max_length=MOST_ARGUMENTS)]


class AskedCall(_Part):
    """A call that the assistant made earlier."""

    id: str = ""
    function: AskedFunction


class Message(_Part):
    """`content` may be missing where an assistant called a tool; `tool_call_id` names the call that a tool answers."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[TextPart] | None = None
    tool_calls: Annotated[list[AskedCall], Field(max_length=MOST_CALLS)] = []
    tool_call_id: str = ""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.content is None and not self.tool_calls:
            raise ValueError("content is missing")
        return self

    @property
    def text(self) -> str:
        return (
            (self.content or "") if not isinstance(self.content, list) else "".join(part.text for part in self.content)
        )


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


class Function(_Part):
    """Without `parameters` it takes none."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}


class Tool(_Part):
    type: Literal["function"] = "function"
    function: Function


class FunctionName(_Part):
    name: str


class ToolChoice(_Part):
    type: Literal["function"] = "function"
    function: FunctionName


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
    tools: list[Tool] = Field(default_factory=list)
    tool_choice: Literal["none", "auto", "required"] | ToolChoice = "auto"

    @property
    def most_tokens(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens

    @property
    def may_call(self) -> bool:
        return self.tool_choice != "none" and (bool(self.tools) or self.tool_choice != "auto")

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


class CalledFunction(BaseModel):
    """`arguments` is JSON, and has the form of the tool's parameters."""

    name: str
    arguments: str


class ToolCall(BaseModel):
    index: int
    id: str
    type: Literal["function"] = "function"
    function: CalledFunction


class Answered(BaseModel):
    role: Literal["assistant"] = "assistant"
    content: str | None
    tool_calls: list[ToolCall] | None = None


class Choice(BaseModel):
    """Two are ours, and say how sure the model was: `mean_logprob` of its tokens, 0 being certain; `min_margin`, the least
    by which a token was likelier than the next one, as a difference of log probabilities, 0 being a toss-up.
    """

    index: Literal[0] = 0
    message: Answered
    logprobs: Logprobs | None = None
    finish_reason: str
    mean_logprob: float | None = None
    min_margin: float | None = None


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


class ChatChunk(BaseModel):
    """The chunk with the usage, whose `choices` are empty; the others are written by `replies.Writer`."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[Choice]
    usage: ChatUsage
