"""Settings: read once, at the edge, then passed down as a value.

Each row of `SETTINGS` is a name, its default and what it means; `docs/reference/settings.md` is generated from it.
A setting is given as `OUTPOST_<NAME>` in the environment or as the flag of the same name; the flag wins.
A variable that begins with `OUTPOST_` and is not in the table is an error, so that a typing slip is not silence.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from appliance.errors import InvalidInput

PREFIX: Final = "OUTPOST_"
LONGEST_SOCKET: Final = 107
"""Bytes of a unix socket's path on Linux (unix(7): `sun_path` less its end)."""

ALIASES: Final = {
    "JWKS_LOCAL_PATH": "jwks_local_path",
    "RATE_LIMIT_PER_MINUTE": "rate_limit_per_minute",
    "CORS_ALLOWED_ORIGINS": "cors_allowed_origins",
}
"""Variables by the name that other products give them; ours wins."""

_PUBLIC_URL: Final = re.compile(r"https?://[a-z0-9.\[\]:-]{1,253}")
_HOST_AND_PORT: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:]{2,39}\]):[0-9]{1,5}")
_MAIL_SENDER: Final = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190}")
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]{16,256}")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_ORIGIN_HOST: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:]{2,39}\])(?::[0-9]{1,5})?")

SETTINGS: Final[tuple[tuple[str, str, str], ...]] = (
    ("data", "var/demo", "The directory that holds everything this node knows. One directory, one node."),
    (
        "listen",
        "",
        "Where the API and the UI are served, as HOST:PORT; beyond loopback only over TLS (`outpost tls init`). Left empty: `127.0.0.1:8000`, and with a certificate `127.0.0.1:8443`.",
    ),
    ("tls_minimum", "1.3", "The oldest TLS spoken: `1.3`, or `1.2` for kiosks that know no better."),
    ("role", "node", "`node` (SQLCipher files) or `hub` (PostgreSQL)."),
    (
        "database_url",
        "",
        "The hub's PostgreSQL, as a URL, beyond this machine with `sslmode=verify-full`; a node has none.",
    ),
    ("share", "", "Where set-up put models and the built UI; by default `share/outpost` beside the interpreter."),
    ("log_level", "info", "`debug`, `info`, `warning` or `error`."),
    ("upload_limit_mib", "100", "The largest file a person may upload, in MiB."),
    ("kiosk_idle_seconds", "90", "After how long a kiosk forgets the last question."),
    (
        "admin_second_factor",
        "",
        "`required` or `offered` to admins. Left empty: required, but not on the demo plant or on loopback alone.",
    ),
    (
        "model_hosts",
        "",
        "Servers in the plant that may be asked to write, as HOST:PORT, separated by commas; none by default.",
    ),
    (
        "webhook_hosts",
        "",
        "Programs of the plant that may be sent news, as HOST:PORT, separated by commas; none by default.",
    ),
    (
        "mail_server",
        "",
        "Where mail about news is handed over, as HOST:PORT; none by default.",
    ),
    (
        "trace_collector",
        "",
        "Where traces go, as HOST:PORT of an OpenTelemetry collector (OTLP over HTTP, usually port 4318); none by default.",
    ),
    ("mail_security", "starttls", "`starttls`, `tls` from the first byte, or `none`, which takes no `mail_user`."),
    ("mail_sender", "", "The address that mail comes from; needed with `mail_server`."),
    ("mail_user", "", "Who signs in at the mail server; the password is the secret `mail` in the vault."),
    (
        "identity_hosts",
        "",
        "Identity providers that may be asked, as HOST:PORT, separated by commas; none by default.",
    ),
    (
        "jwks_local_path",
        "",
        "A file with the public keys of identity providers, to check tokens with no network; also `JWKS_LOCAL_PATH`.",
    ),
    (
        "local_sign_in",
        "",
        "`on` or `off`: whether passwords are taken where a plant has an identity provider. Left empty: on a node, not on a hub.",
    ),
    (
        "public_url",
        "",
        "What people type to reach this box, such as `https://outpost.plant`; by default the address it listens on, by `https` where the node has a certificate.",
    ),
    ("word_within_seconds", "8", "An answer that takes no longer is put into words without being asked for."),
    (
        "environment",
        "",
        "`production`, `staging` or `development`; by default `production`, with the demo plant `development`.",
    ),
    (
        "rate_limit_per_minute",
        "",
        (
            "The most requests of one person in any minute; by default 60 in production, 100 in staging, 1000 in development. "
            "Also `RATE_LIMIT_PER_MINUTE`."
        ),
    ),
    (
        "cors_allowed_origins",
        "",
        (
            "Pages of other origins that may use the API, as https://HOST[:PORT], separated by commas or as a JSON list; by "
            "default none. Also `CORS_ALLOWED_ORIGINS`."
        ),
    ),
    (
        "trusted_proxies",
        "",
        "Reverse proxies in front, as addresses or networks, separated by commas: their `X-Forwarded-For` and `X-Forwarded-Proto` are believed.",
    ),
    (
        "metrics_token",
        "",
        "What a monitor beyond this box sends as a bearer token to read `/metrics`; without one it cannot.",
    ),
    (
        "backups",
        "",
        "Where backups are made; best on another disk. By default `backups` in the data directory, which protects against mistakes alone.",
    ),
    (
        "record_retention_days",
        "2557",
        "How many days the record is kept, 30 or more; what a hold names is kept until it is released.",
    ),
    ("violation_days", "90", "How many days what the guard found is listed; the record keeps it longer."),
    (
        "site_country",
        "",
        "Where this site is, as a code such as `DE` (ISO 3166-1); what export control keeps out of it is not taken in.",
    ),
)

Profile = Literal["production", "staging", "development"]
CEILINGS: Final[Mapping[Profile, int]] = {"production": 60, "staging": 100, "development": 1000}
"""Requests of one person in a minute where nothing else is set."""
DEFAULT, DEFAULT_TLS = "127.0.0.1:8000", "127.0.0.1:8443"
"""Where a node listens that was not told."""
CERTIFICATE: Final = Path("tls") / "node.sealed"
"""In the data directory: what is served, if the node has a certificate."""
DEMO_MARK: Final = "demo"
"""A file in the data directory of a node that carries the demo plant."""


class InvalidSetting(InvalidInput):
    """A setting has a value that it cannot have, or a name that does not exist."""

    code, title = "invalid-setting", "A setting is wrong"
    hint = "See docs/reference/settings.md for every setting and its meaning."


@dataclass(frozen=True, slots=True)
class Settings:
    """What the appliance was told. Paths are absolute; `port` is 0 to let the system choose."""

    data: Path
    host: str
    port: int
    role: Literal["node", "hub"]
    tls_minimum: Literal["1.2", "1.3"]
    database_url: str | None
    share: Path
    log_level: str
    upload_limit_mib: int
    kiosk_idle_seconds: int
    word_within_seconds: int
    model_hosts: tuple[str, ...]
    profile_given: Profile | None
    ceiling_given: int | None
    cors_allowed_origins: tuple[str, ...]
    trusted_proxies: tuple[str, ...]
    metrics_token: str | None = field(repr=False)
    webhook_hosts: tuple[str, ...]
    mail_server: str
    trace_collector: str
    mail_security: Literal["starttls", "tls", "none"]
    mail_sender: str
    mail_user: str
    identity_hosts: tuple[str, ...]
    jwks_local_path: Path | None
    public_url_given: str
    admin_second_factor: Literal["", "required", "offered"]
    local_sign_in_given: Literal["", "on", "off"]
    site_country: str
    record_retention_days: int
    violation_days: int
    backups_given: Path | None

    @property
    def profile(self) -> Profile:
        """What this installation is for."""
        return self.profile_given or ("development" if (self.data / DEMO_MARK).exists() else "production")

    @property
    def rate_limit_per_minute(self) -> int:
        return self.ceiling_given or CEILINGS[self.profile]

    def admins_need_factor(self, *, demo: bool) -> bool:
        """Whether an admin must have a second factor here; `demo` is whether the node carries the demo plant."""
        if self.admin_second_factor:
            return self.admin_second_factor == "required"
        return not demo and self.exposed

    def passwords_are_own(self, *, demo: bool) -> bool:
        """Whether people replace a password that somebody else made; who tries the demo out need not."""
        return not demo or self.profile != "development"

    @property
    def local_sign_in(self) -> bool:
        """Whether passwords are taken also where a plant has an identity provider."""
        return self.local_sign_in_given == "on" or (not self.local_sign_in_given and self.role == "node")

    @property
    def encrypted(self) -> bool:
        """Whether the node has a certificate: then it serves TLS, also on loopback, and nothing in the clear."""
        return has_certificate(self.data)

    @property
    def public_url(self) -> str:
        """What people type to reach this box; identity providers send browsers back to it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url_given or f"{'https' if self.encrypted else 'http'}://{host}:{self.port}"

    @property
    def reachable(self) -> bool:
        """Whether others than this box itself reach the node."""
        return not ipaddress.ip_address(self.host).is_loopback

    @property
    def exposed(self) -> bool:
        """Whether others use the node, over its own address or by way of a proxy."""
        return self.reachable or bool(self.trusted_proxies)

    @property
    def run(self) -> Path:
        """Sockets and locks of the running processes."""
        return self.data / "run"

    @property
    def backups(self) -> Path:
        """Where backups are made."""
        return self.backups_given or self.data / "backups"

    @property
    def socket(self) -> Path:
        """The owner's door: whoever may open this socket acts as the owner of the data directory."""
        return self.run / "outpost.sock"

    @property
    def models_socket(self) -> Path:
        return self.run / "models-small.sock"

    @property
    def serving(self) -> Path:
        """What the chat servers are to run, written by the shelf; absent while no chat model is in force."""
        return self.run / "serving.json"

    @property
    def worker_socket(self) -> Path:
        return self.run / "worker.sock"

    def environment(self) -> dict[str, str]:
        """The same settings as variables, for the processes that the supervisor starts."""
        values = {
            "data": str(self.data),
            "listen": f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}",
            "tls_minimum": self.tls_minimum,
            "role": self.role,
            "database_url": self.database_url or "",
            "share": str(self.share),
            "log_level": self.log_level,
            "upload_limit_mib": str(self.upload_limit_mib),
            "kiosk_idle_seconds": str(self.kiosk_idle_seconds),
            "word_within_seconds": str(self.word_within_seconds),
            "model_hosts": ",".join(self.model_hosts),
            "environment": self.profile_given or "",
            "rate_limit_per_minute": str(self.ceiling_given or ""),
            "cors_allowed_origins": ",".join(self.cors_allowed_origins),
            "trusted_proxies": ",".join(self.trusted_proxies),
            "metrics_token": self.metrics_token or "",
            "webhook_hosts": ",".join(self.webhook_hosts),
            "mail_server": self.mail_server,
            "trace_collector": self.trace_collector,
            "mail_security": self.mail_security,
            "mail_sender": self.mail_sender,
            "mail_user": self.mail_user,
            "identity_hosts": ",".join(self.identity_hosts),
            "jwks_local_path": str(self.jwks_local_path or ""),
            "public_url": self.public_url_given,
            "admin_second_factor": self.admin_second_factor,
            "local_sign_in": self.local_sign_in_given,
            "site_country": self.site_country,
            "record_retention_days": str(self.record_retention_days),
            "violation_days": str(self.violation_days),
            "backups": str(self.backups_given or ""),
        }
        return {PREFIX + name.upper(): value for name, value in values.items()}


def has_certificate(data: Path) -> bool:
    """Whether the node in `data` has a certificate."""
    return (data / CERTIFICATE).exists()


def load(environment: Mapping[str, str] | None = None, **flags: str | None) -> Settings:
    """Combine defaults, `environment` (the process's own if None) and `flags`, the later winning.

    Raises:
        InvalidSetting: an unknown name, a value out of range, a path too long for a socket.
    """
    environment = os.environ if environment is None else environment
    values = {name: default for name, default, _ in SETTINGS}
    values |= {name: environment[variable] for variable, name in ALIASES.items() if variable in environment}
    for variable, value in environment.items():
        if variable.startswith(PREFIX):
            name = variable.removeprefix(PREFIX).lower()
            if name not in values:
                raise InvalidSetting(f"{variable} is not a setting.")
            values[name] = value
    values |= {name: value for name, value in flags.items() if value is not None}
    # A path that is no directory is refused below.
    encrypted = has_certificate(Path(values["data"]))
    host, port = _address(values["listen"] or (DEFAULT_TLS if encrypted else DEFAULT))
    role = values["role"]
    if role not in {"node", "hub"}:
        raise InvalidSetting(f"role is {role!r}; it is `node` or `hub`.")
    if values["tls_minimum"] not in {"1.2", "1.3"}:
        raise InvalidSetting(
            f"tls_minimum is {values['tls_minimum']!r}; it is 1.3 or 1.2.", hint="Nothing below TLS 1.2 is spoken here."
        )
    if values["log_level"] not in {"debug", "info", "warning", "error"}:
        raise InvalidSetting(f"log_level is {values['log_level']!r}; it is debug, info, warning or error.")
    if not values["data"]:
        raise InvalidSetting("data is empty; it names a directory.")
    if (role == "hub") != bool(values["database_url"]):
        raise InvalidSetting("database_url belongs to a hub, and a hub needs one.")
    settings = Settings(
        data=Path(values["data"]).absolute(),
        host=host,
        port=port,
        role="hub" if role == "hub" else "node",
        tls_minimum="1.2" if values["tls_minimum"] == "1.2" else "1.3",
        database_url=values["database_url"] or None,
        share=Path(values["share"] or Path(sys.prefix) / "share" / "outpost").absolute(),
        log_level=values["log_level"],
        upload_limit_mib=_count("upload_limit_mib", values["upload_limit_mib"], 1, 4096),
        kiosk_idle_seconds=_count("kiosk_idle_seconds", values["kiosk_idle_seconds"], 15, 3600),
        word_within_seconds=_count("word_within_seconds", values["word_within_seconds"], 0, 600),
        profile_given=_profile(values["environment"]),
        ceiling_given=_count("rate_limit_per_minute", values["rate_limit_per_minute"] or "0", 0, 10**6) or None,
        cors_allowed_origins=_origins(values["cors_allowed_origins"]),
        trusted_proxies=_networks(values["trusted_proxies"]),
        metrics_token=_token("metrics_token", values["metrics_token"]),
        model_hosts=_hosts("model_hosts", values["model_hosts"]),
        webhook_hosts=_hosts("webhook_hosts", values["webhook_hosts"]),
        mail_server=_mail_server(values),
        trace_collector=_collector(values["trace_collector"]),
        mail_security=_mail_security(values["mail_security"], values["mail_user"]),
        mail_sender=values["mail_sender"],
        mail_user=values["mail_user"],
        identity_hosts=_hosts("identity_hosts", values["identity_hosts"]),
        jwks_local_path=Path(values["jwks_local_path"]).absolute() if values["jwks_local_path"] else None,
        public_url_given=_public_url(values["public_url"]),
        admin_second_factor=_second_factor(values["admin_second_factor"]),
        local_sign_in_given=_local_sign_in(values["local_sign_in"]),
        site_country=_country(values["site_country"]),
        record_retention_days=_count("record_retention_days", values["record_retention_days"], 30, 36500),
        violation_days=_count("violation_days", values["violation_days"], 1, 3650),
        backups_given=Path(values["backups"]).absolute() if values["backups"] else None,
    )
    if len(os.fsencode(settings.models_socket)) > LONGEST_SOCKET:
        raise InvalidSetting(
            "The path of the data directory is too long for the sockets in it.", hint="Use a shorter one."
        )
    return settings


def _count(name: str, value: str, least: int, most: int) -> int:
    try:
        number = int(value)
    except ValueError:
        raise InvalidSetting(f"{name} is {value!r}; it is a whole number.") from None
    if not least <= number <= most:
        raise InvalidSetting(f"{name} is {number}; it lies between {least} and {most}.")
    return number


def _profile(named: str) -> Profile | None:
    match named:
        case "":
            return None
        case "production" | "staging" | "development":
            return named
        case _:
            raise InvalidSetting(f"environment is {named!r}; it is production, staging or development.")


def _token(name: str, value: str) -> str | None:
    if value and not _TOKEN.fullmatch(value):
        raise InvalidSetting(f"{name} cannot be used; it is 16 to 256 letters, digits and -._~+/=.")
    return value or None


def _listed(text: str) -> list[str]:
    """Words with commas between, or a JSON list of them."""
    if not text.strip().startswith("["):
        return text.split(",")
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise InvalidSetting("cors_allowed_origins begins like a JSON list, and is none of texts.")
    return found


def _origins(listed: str) -> tuple[str, ...]:
    origins = tuple(one.strip() for one in _listed(listed) if one.strip())
    for one in origins:
        scheme, _, host = one.partition("://")
        if scheme not in {"http", "https"} or not _ORIGIN_HOST.fullmatch(host):
            raise InvalidSetting(f"cors_allowed_origins holds {one!r}; each is https://HOST or https://HOST:PORT.")
    return origins


def _networks(listed: str) -> tuple[str, ...]:
    networks = tuple(one.strip() for one in listed.split(",") if one.strip())
    for one in networks:
        try:
            found = ipaddress.ip_network(one, strict=False)
        except ValueError:
            raise InvalidSetting(f"trusted_proxies holds {one!r}; each is an address or a network.") from None
        if not found.prefixlen:
            raise InvalidSetting(f"trusted_proxies holds {one}, which is everybody.", hint="Name the proxies alone.")
    return networks


def _public_url(given: str) -> str:
    found = given.lower().rstrip("/")
    if found and not _PUBLIC_URL.fullmatch(found):
        raise InvalidSetting(f"public_url is {given!r}; it is https://HOST or https://HOST:PORT.")
    return found


def _second_factor(value: str) -> Literal["", "required", "offered"]:
    if value not in {"", "required", "offered"}:
        raise InvalidSetting(f"admin_second_factor is {value!r}; it is `required` or `offered`.")
    return value  # type: ignore[return-value]  # mypy does not narrow by a set


def _local_sign_in(value: str) -> Literal["", "on", "off"]:
    if value not in {"", "on", "off"}:
        raise InvalidSetting(f"local_sign_in is {value!r}; it is `on` or `off`.")
    return value  # type: ignore[return-value]  # mypy does not narrow by a set


def _country(given: str) -> str:
    found = given.strip().upper()
    if found and not _COUNTRY.fullmatch(found):
        raise InvalidSetting(f"site_country is {given!r}; it is a code of two letters, such as DE.")
    return found


def _mail_server(values: Mapping[str, str]) -> str:
    found = _hosts("mail_server", values["mail_server"])
    if len(found) > 1:
        raise InvalidSetting("mail_server is one HOST:PORT.")
    if found and not _MAIL_SENDER.fullmatch(values["mail_sender"]):
        raise InvalidSetting("mail_sender is the address that mail comes from, such as outpost@plant.example.")
    return found[0] if found else ""


def _collector(given: str) -> str:
    found = _hosts("trace_collector", given)
    if len(found) > 1:
        raise InvalidSetting("trace_collector is one HOST:PORT.")
    return found[0] if found else ""


def _mail_security(value: str, user: str) -> Literal["starttls", "tls", "none"]:
    if value == "none" and user:
        raise InvalidSetting("mail_user signs in with a password, which is sent by `starttls` or `tls` only.")
    if value not in {"starttls", "tls", "none"}:
        raise InvalidSetting(f"mail_security is {value!r}; it is `starttls`, `tls` or `none`.")
    return value  # type: ignore[return-value]  # mypy does not narrow by a set


def _hosts(name: str, listed: str) -> tuple[str, ...]:
    hosts = tuple(one.strip().lower() for one in listed.split(",") if one.strip())
    for one in hosts:
        if not _HOST_AND_PORT.fullmatch(one):
            raise InvalidSetting(f"{name} holds {one!r}; each is HOST:PORT.")
    return hosts


def _address(listen: str) -> tuple[str, int]:
    host, separator, port = listen.rpartition(":")
    host = host.strip("[]")
    if not separator or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise InvalidSetting(f"listen is {listen!r}; it is HOST:PORT.")
    host = "127.0.0.1" if host == "localhost" else host
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise InvalidSetting(f"listen is {listen!r}; the host is an address or `localhost`.") from None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        raise InvalidSetting(f"{host} is written in two ways at once.", hint=f"Write {address.ipv4_mapped}.")
    return host, int(port)
