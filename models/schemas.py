"""Bodies of the model server: OpenAI's embeddings, the rerank shape of vLLM and Jina, vLLM's classify, and our own read."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_TEXTS = 512
MOST_CHARACTERS = 32_768
Text = Annotated[str, Field(max_length=MOST_CHARACTERS)]
Texts = Annotated[list[Text], Field(min_length=1, max_length=MOST_TEXTS)]


class Request(BaseModel):
    """`model` may be left out: each server holds one model a kind. Unknown keys are ignored, as clients send many."""

    model_config = ConfigDict(frozen=True)

    model: str | None = None


class EmbeddingRequest(Request):
    input: Text | Texts
    encoding_format: Literal["float", "base64"] = "float"

    @property
    def texts(self) -> list[str]:
        return [self.input] if isinstance(self.input, str) else self.input


class RerankRequest(Request):
    query: Annotated[str, Field(min_length=1, max_length=4096)]
    documents: Texts
    top_n: Annotated[int, Field(ge=1)] | None = None
    return_documents: bool = False


class ReadRequest(Request):
    question: Annotated[str, Field(min_length=1, max_length=4096)]
    passages: Texts


class ClassifyRequest(Request):
    """vLLM's."""

    input: Text | Texts

    @property
    def texts(self) -> list[str]:
        return [self.input] if isinstance(self.input, str) else self.input


class Usage(BaseModel):
    prompt_tokens: int
    total_tokens: int


class EmbeddingRow(BaseModel):
    """`embedding` is a list of floats, or base64 of little-endian float32."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingResponse(BaseModel):
    object: Literal["list"] = "list"
    model: str
    data: list[EmbeddingRow]
    usage: Usage


class RerankRow(BaseModel):
    index: int
    relevance_score: float
    document: dict[str, str] | None = None


class RerankResponse(BaseModel):
    """`results` come best first, as vLLM and Jina send them."""

    model: str
    results: list[RerankRow]


class ReadSpan(BaseModel):
    start: int
    end: int
    text: str
    score: float


class ReadRow(BaseModel):
    index: int
    answerable: float
    spans: list[ReadSpan]


class ReadResponse(BaseModel):
    """`results` stand in the order of the passages."""

    model: str
    results: list[ReadRow]


class ClassifyRow(BaseModel):
    """`probs` belong to `benign` and `injection`, in this order; `label` is the likelier one."""

    index: int
    label: str
    probs: list[float]
    num_classes: int


class ClassifyResponse(BaseModel):
    """vLLM's shape, in the order of the texts."""

    id: str
    object: Literal["list"] = "list"
    created: int
    model: str
    data: list[ClassifyRow]
    usage: Usage


class ErrorDetail(BaseModel):
    message: str
    type: str
    param: str | None = None
    code: str


class ErrorResponse(BaseModel):
    """OpenAI's shape of a refusal."""

    error: ErrorDetail
