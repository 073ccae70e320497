"""What can go wrong with models.

ModelsError
|-- WheelRefused         set-up: the body's wheel is missing, damaged or not the pinned one
|-- DeltaRefused         set-up: the reader's delta is damaged or made for another body
|-- ConversionRefused    set-up: the int8 graph differs too much from the float32 one
|-- PackageDamaged       start: a package is missing, incomplete or altered
|-- HeaderRefused        import: a GGUF file is cut short, or says what cannot be
|-- SocketTaken          start: another server answers on the socket
|-- FormRefused          chat: the schema or grammar asked for is invalid or too large
|-- FormMissed           chat: the answer does not have that form
|-- TemplateRefused      chat: the model's template does not take these messages
|-- DecodeFailed         chat: llama.cpp could not decode; the request fails alone
|-- NothingFits          chat: the grammar allows no token of this model
|-- ModelUnavailable     client: the server is down or too slow; try again later
|   `-- ModelBusy        client: its queue is full; it says when to try again
`-- ModelRefused         client: the server understood and said no; trying again gives the same
"""


class ModelsError(Exception):
    """Every error that this package raises on purpose."""


class WheelRefused(ModelsError):
    """The wheel cannot be fetched, is damaged, or is not the pinned one."""


class DeltaRefused(ModelsError):
    """The delta is damaged, of another format, or made for another body."""


class ConversionRefused(ModelsError):
    """A package was not built because it would not be good."""


class PackageDamaged(ModelsError):
    """A package is missing, incomplete, or a file is not the one its manifest names."""


class HeaderRefused(ModelsError):
    """A GGUF file is none, is cut short, or describes a model that cannot be or cannot be served; `str()` says why."""


class SocketTaken(ModelsError):
    """Another server answers on the socket, or the path cannot be a socket."""


class ModelUnavailable(ModelsError):
    """No answer within the deadline: the server is down, was killed, or has too much to do."""


class ModelBusy(ModelUnavailable):
    """As many requests wait as may; `retry_after` is in seconds."""

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ModelRefused(ModelsError):
    """The server refused the request itself: too large, malformed, or for a model it does not hold."""

    def __init__(self, message: str, *, status: int, code: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code
