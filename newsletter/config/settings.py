"""The settings of one installation, checked at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from platformdirs import user_cache_path, user_data_path
from pydantic import (
    BaseModel,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from newsletter.config.fields import (
    FROZEN,
    Address,
    ByDomain,
    Categories,
    Day,
    Forwarder,
    Header,
    Home,
    Host,
    Line,
    ListId,
    Marked,
    MaybeAddress,
    NamedHost,
    Number,
    Origin,
    Place,
    PostalAddress,
    Proxy,
    Secret,
    Selector,
    SenderId,
    Web,
    Webhook,
    Whole,
)
from newsletter.config.files import data_dir, read_toml, sentences
from newsletter.config.variables import Variables
from newsletter.errors import ConfigError
from newsletter.model import Publication


class PublicationSettings(BaseModel):
    """`[publication]`: who sends."""

    model_config = FROZEN

    name: Line
    tagline: str
    base_url: Home
    from_name: Line
    from_address: Address
    reply_to: Address
    list_id: ListId
    sender_id: SenderId
    postal_address: PostalAddress

    def value(self) -> Publication:
        """The noun of the model."""
        return Publication(**self.model_dump())


class StoreSettings(BaseModel):
    """`[store]`: an SQLAlchemy address; empty means a SQLite file in the state directory."""

    model_config = FROZEN

    url: str


class PathSettings(BaseModel):
    """`[paths]`: empty means the directory the system gives this user."""

    model_config = FROZEN

    state: Place
    cache: Place
    templates: Place


class SourceSettings(BaseModel):
    """`[sources]`: where lists come from and how politely they are asked for."""

    model_config = FROZEN

    default: Annotated[tuple[str, ...], Field(min_length=1)]
    base_url: Web
    mirrors: tuple[NamedHost, ...]
    extra_hosts: tuple[NamedHost, ...]
    allow_private: bool
    arxiv_url: Web
    arxiv_fallback: Categories
    user_agent: Annotated[Header, StringConstraints(min_length=1)]
    contact: Header
    timeout_seconds: Annotated[Number, Field(gt=0, le=300)]
    max_bytes: Annotated[Whole, Field(ge=10_000, le=200_000_000)]
    attempts: Annotated[Whole, Field(ge=1, le=10)]
    longest_wait_seconds: Annotated[Number, Field(ge=0, le=3600)]
    obey_robots: bool
    proxy: Forwarder
    ca_file: Place
    days_back: Annotated[Whole, Field(ge=1, le=31)]


class SelectionSettings(BaseModel):
    """`[selection]`: what picks are made with beside the papers themselves."""

    model_config = FROZEN

    model: Place


class MailSettings(BaseModel):
    """`[mail]`: limits of a finished mail."""

    model_config = FROZEN

    html_limit: Annotated[Whole, Field(ge=30_000, le=100_000)]


class DigestSettings(BaseModel):
    """`[digest]`: when a digest is worth a mail."""

    model_config = FROZEN

    min_papers: Annotated[Whole, Field(ge=1, le=50)]


Waits = Annotated[
    tuple[Annotated[Number, Field(ge=0.1, le=10_080)], ...], Field(min_length=1, max_length=100)
]


class ScheduleSettings(BaseModel):
    """`[schedule]`: how often lists are read, digests made, and mails that were put off tried."""

    model_config = FROZEN

    ingest_minutes: Annotated[Number, Field(ge=1, le=1440)]
    compose_seconds: Annotated[Number, Field(ge=1, le=3600)]
    digest_retry_minutes: Waits
    letter_retry_minutes: Waits
    give_up_hours: Annotated[Number, Field(ge=1, le=240)]


class LoginSettings(BaseModel):
    """How we log in to a server; what begins at `token_url` is for `xoauth2` alone."""

    model_config = FROZEN

    host: Host = ""
    username: str = ""
    password: Secret = SecretStr("")
    auth: Literal["password", "xoauth2"] = "password"
    token_url: str = ""
    client_id: str = ""
    client_secret: Secret = SecretStr("")
    refresh_token: Secret = SecretStr("")
    scope: str = ""

    @model_validator(mode="after")
    def _has_a_whole_login(self) -> Self:
        by_token = (self.username, self.token_url, self.client_id, bool(self.refresh_token))
        by_password = (bool(self.username), bool(self.password))
        if self.host and self.auth == "xoauth2" and not all(by_token):
            raise ValueError('auth = "xoauth2" needs username, token_url, client_id, refresh_token')
        if self.host and self.auth == "password" and len(set(by_password)) > 1:
            raise ValueError("username and password go together: give both or neither")
        return self


class RelaySettings(LoginSettings):
    """One relay; `[[smtp.fallback]]` names those asked when the ones before do not serve us."""

    host: NamedHost
    port: Annotated[Whole, Field(ge=1, le=65535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    ca_file: Place = ""


class DomainSettings(BaseModel):
    """`[smtp.domains.NAME]`: how fast mails may leave for one recipient domain; 0 is no limit."""

    model_config = FROZEN

    rate_per_second: Annotated[Number, Field(ge=0)] = 0.0
    connections: Annotated[Whole, Field(ge=0)] = 0


class SmtpSettings(LoginSettings):
    """`[smtp]`: the relays that take our mails, and their pace; without a host they become files."""

    host: Host
    port: Annotated[Whole, Field(ge=1, le=65535)]
    security: Literal["starttls", "tls", "none"]
    timeout_seconds: Annotated[Number, Field(gt=0, le=300)]
    ca_file: Place
    mails_per_connection: Annotated[Whole, Field(ge=1, le=10_000)]
    window: Annotated[Whole, Field(ge=1, le=100)]
    folder: Place
    folder_format: Literal["eml", "maildir"]
    fallback: tuple[RelaySettings, ...]
    connections: Annotated[Whole, Field(ge=1, le=32)]
    rate_per_second: Annotated[Number, Field(ge=0)]
    domain_rate_per_second: Annotated[Number, Field(ge=0)]
    domain_connections: Annotated[Whole, Field(ge=0)]
    domains: Annotated[dict[str, DomainSettings], ByDomain]
    warm_up: tuple[Annotated[Whole, Field(ge=1)], ...]
    warm_up_from: Day

    @model_validator(mode="after")
    def _warm_up_has_a_first_day(self) -> Self:
        if self.warm_up and self.warm_up_from is None:
            raise ValueError("warm_up needs warm_up_from, its first day")
        return self


class DkimSettings(BaseModel):
    """`[dkim]`: signatures of our own; without a domain they are left to the relay."""

    model_config = FROZEN

    domain: str
    selector: Selector
    key_file: Place
    second_selector: Selector
    second_key_file: Place

    @model_validator(mode="after")
    def _has_what_a_signature_needs(self) -> Self:
        if bool(self.domain) != bool(self.key_file) or not self.selector:
            raise ValueError("domain needs selector and key_file, and key_file a domain")
        if bool(self.second_selector) != bool(self.second_key_file):
            raise ValueError("second_selector and second_key_file go together")
        return self


class BounceSettings(LoginSettings):
    """`[bounces]`: where reports about our mails go, and how they are read."""

    address: Marked
    maildir: Place
    host: Host
    port: Annotated[Whole, Field(ge=1, le=65535)]
    security: Literal["tls", "starttls", "none"]
    folder: str
    processed: str
    ca_file: Place
    poll_minutes: Annotated[Number, Field(ge=0.1, le=1440)]

    @model_validator(mode="after")
    def _is_one_mailbox(self) -> Self:
        if self.host and self.maildir:
            raise ValueError("reports come from host or from maildir: leave one of them empty")
        if self.host and not (self.username and self.folder):
            raise ValueError("host needs username, a password and folder")
        return self


class WebSettings(BaseModel):
    """`[web]`: the pages for readers, and how they defend themselves."""

    model_config = FROZEN

    consent: Annotated[str, StringConstraints(min_length=10, max_length=500)]
    cors_origins: tuple[Origin, ...]
    trusted_proxies: tuple[Proxy, ...]
    hsts_seconds: Annotated[Whole, Field(ge=0, le=63_072_000)]
    mails_per_hour: Annotated[Whole, Field(ge=1)]
    signups_per_hour: Annotated[Whole, Field(ge=1)]
    signups_per_day: Annotated[Whole, Field(ge=1)]
    unproven_per_hour: Annotated[Whole, Field(ge=0)]
    previews_per_minute: Annotated[Whole, Field(ge=1)]
    index: bool


class OperatorSettings(BaseModel):
    """`[operator]`: who hears of trouble, and what the log looks like."""

    model_config = FROZEN

    address: MaybeAddress
    webhook_url: Webhook
    late_minutes: Annotated[Whole, Field(ge=5, le=1440)]
    metrics_public: bool
    log_format: Literal["text", "json"]
    log_level: Literal["debug", "info", "warning", "error"]


class Settings(BaseSettings):
    """All settings of one installation."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="NEWSLETTER_",
        env_nested_delimiter="__",
        str_strip_whitespace=True,
    )

    publication: PublicationSettings
    store: StoreSettings
    paths: PathSettings
    sources: SourceSettings
    selection: SelectionSettings
    mail: MailSettings
    digest: DigestSettings
    schedule: ScheduleSettings
    smtp: SmtpSettings
    dkim: DkimSettings
    bounces: BounceSettings
    operator: OperatorSettings
    web: WebSettings

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over the operator's file (given as arguments) over what ships with us."""
        del env_settings, dotenv_settings, file_secret_settings
        shipped = InitSettingsSource(
            settings_cls, init_kwargs=read_toml(data_dir("config") / "newsletter.toml")
        )
        return Variables(settings_cls), init_settings, shipped

    @property
    def smtp_relays(self) -> tuple[RelaySettings, ...]:
        """Every relay in the order in which they are asked; none where mails become files."""
        given = self.smtp
        if not given.host:
            return ()
        first = given.model_dump(include=set(RelaySettings.model_fields))
        return (RelaySettings(**first), *given.fallback)

    @property
    def state_dir(self) -> Path:
        """Where the SQLite file lives."""
        return Path(self.paths.state) if self.paths.state else user_data_path("newsletter")

    @property
    def cache_dir(self) -> Path:
        """Where answers of the web are kept for conditional requests."""
        return Path(self.paths.cache) if self.paths.cache else user_cache_path("newsletter")

    @property
    def mail_folder(self) -> Path:
        """Where mails are laid down while there is no relay."""
        return Path(self.smtp.folder) if self.smtp.folder else self.state_dir / "outbox"

    @property
    def store_url(self) -> str:
        return self.store.url or f"sqlite:///{self.state_dir / 'newsletter.db'}"


def load_settings(file: Path | None = None) -> Settings:
    """The settings of this installation.

    Raises:
        ConfigError: the file is missing or not TOML, any key is unknown or has a wrong value, or a
            variable names a file that cannot be used.
    """
    given = read_toml(file) if file else {}
    try:
        return Settings(**given)
    except ValidationError as error:
        where = str(file) if file else "settings (defaults and environment)"
        raise ConfigError(where, sentences(error, Settings)) from None
    except SettingsError as error:  # its words name the table and show nothing of the value
        raise ConfigError("environment", [f'{error}: write lists as JSON: ["one"]']) from None
