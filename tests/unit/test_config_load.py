"""Where settings come from, and what is said when one is wrong. The files are the subject, in tmp_path."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.config.load import config_path, load_settings
from core.config.settings import Settings
from core.domain.errors import ConfigError


@pytest.fixture
def config(tmp_path):
    """Writes config.toml and loads it."""
    file = tmp_path / "config.toml"

    def load(text: str = "", env: dict[str, str] | None = None, *, mode: int = 0o600) -> Settings:
        file.write_text(text)
        file.chmod(mode)
        return load_settings(file, env or {})

    return load


def complaint(load, *args, **kwargs) -> str:
    with pytest.raises(ConfigError) as caught:
        load(*args, **kwargs)
    return caught.value.detail


class TestSources:
    def test_without_a_file_everything_is_at_its_default(self, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
        assert load_settings(None, {}) == Settings()
        assert not config_path({}).exists()

    def test_the_file_wins_over_defaults_and_the_environment_over_the_file(self, config):
        settings = config(
            "[limits]\nmax_parallel_jobs = 7\nmax_playlist_items = 5\n",
            {"REELDECK_LIMITS__MAX_PARALLEL_JOBS": "9"},
        )
        assert settings.limits.max_parallel_jobs == 9
        assert settings.limits.max_playlist_items == 5
        assert settings.limits.max_queue_length == Settings().limits.max_queue_length

    def test_a_variable_names_the_file(self, tmp_path):
        file = tmp_path / "other.toml"
        file.write_text("[logging]\nlevel = 'DEBUG'\n")
        env = {"REELDECK_CONFIG": str(file)}
        assert config_path(env) == file
        assert load_settings(None, env).logging.level == "DEBUG"

    def test_a_file_that_was_named_must_exist(self, tmp_path):
        file = tmp_path / "missing.toml"
        with pytest.raises(ConfigError, match=r"missing\.toml does not exist"):
            load_settings(None, {"REELDECK_CONFIG": str(file)})

    def test_any_source_can_be_set(self, config):
        settings = config(
            "[sources.direct]\nmax_parallel = 2\n", {"REELDECK_SOURCES__DIRECT__ENABLED": "false"}
        )
        assert settings.sources.of("direct").max_parallel == 2
        assert settings.sources.of("direct").enabled is False

    @pytest.mark.parametrize(
        "text", ['["10.0.0.0/8", "::1/128"]', "10.0.0.0/8, ::1/128", "10.0.0.0/8,::1/128,"]
    )
    def test_a_list_in_a_variable_is_json_or_separated_by_commas(self, config, text):
        settings = config("", {"REELDECK_NETWORK__ALLOW_ADDRESSES": text})
        assert settings.network.allow_addresses == ("10.0.0.0/8", "::1/128")

    def test_a_list_of_one_number_needs_no_comma(self, config):
        settings = config("", {"REELDECK_RETRIES__BACKOFF_S": "5", "REELDECK_TELEGRAM__ADMIN_IDS": "1,2"})
        assert settings.retries.backoff_s == (5.0,)
        assert settings.telegram.admin_ids == (1, 2)

    def test_a_list_of_tables_can_come_from_a_variable(self, config):
        settings = config(
            "", {"REELDECK_SOURCES__TARIQ_ALLAH__SITES": '[{"name": "a", "hosts": ["a.example"]}]'}
        )
        assert settings.sources.tariq_allah.sites[0].hosts == ("a.example",)

    def test_an_empty_variable_is_no_variable(self, config):
        assert (
            config("[media]\nmax_height = 720\n", {"REELDECK_MEDIA__MAX_HEIGHT": ""}).media.max_height == 720
        )

    def test_the_tilde_of_a_path_is_home(self, config, monkeypatch, tmp_path):
        monkeypatch.setenv("HOME", str(tmp_path))
        assert config('[paths]\ndata_dir = "~/deck"\n').paths.data_dir == tmp_path / "deck"


class TestSecrets:
    def test_a_secret_in_a_closed_file_is_taken(self, config):
        settings = config('[telegram]\napi_hash = "s3cret"\n')
        assert settings.telegram.api_hash is not None
        assert settings.telegram.api_hash.get_secret_value() == "s3cret"
        assert "s3cret" not in repr(settings)

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
    @pytest.mark.parametrize(
        ("text", "key"),
        [
            ('[telegram]\napi_hash = "x"\n', "telegram.api_hash"),
            ('[telegram]\nbot_token = "x"\n', "telegram.bot_token"),
            ('[sources.x]\nauth_token = "x"\n', "sources.x.auth_token"),
            ('[sources.x]\nct0 = "x"\n', "sources.x.ct0"),
            ('[network]\nproxy = "http://me:pw@proxy.example"\n', "network.proxy"),
            ('[sources.direct]\nproxy = "socks5://me:pw@proxy.example"\n', "sources.direct.proxy"),
            ('[store]\nurl = "postgres://me:pw@db.example/x"\n', "store.url"),
        ],
    )
    def test_a_secret_in_a_file_that_others_may_read_is_refused(self, config, tmp_path, text, key, mode):
        with pytest.raises(ConfigError) as caught:
            config(text, mode=mode)
        assert f"({key})" in caught.value.detail
        assert f"mode {mode:04o}" in caught.value.detail
        assert f"chmod 600 {tmp_path / 'config.toml'}" in caught.value.hint

    def test_a_file_without_secrets_may_be_open(self, config):
        assert config('[network]\nproxy = "http://proxy.example"\n', mode=0o644).network.proxy

    def test_a_secret_may_stand_in_a_file_of_its_own(self, config, tmp_path):
        for name, secret in {"hash": "s3cret\n", "proxy": "http://me:pw@proxy.example\n"}.items():
            (tmp_path / name).write_text(secret)
            (tmp_path / name).chmod(0o600)
        settings = config(
            '[telegram]\napi_hash_file = "hash"\n[sources.direct]\nenabled = true\n',
            {"REELDECK_SOURCES__DIRECT__PROXY_FILE": str(tmp_path / "proxy")},
            mode=0o644,
        )
        assert settings.telegram.api_hash is not None
        assert settings.telegram.api_hash.get_secret_value() == "s3cret"
        assert settings.sources.of("direct").proxy == "http://me:pw@proxy.example"

    @pytest.mark.parametrize("mode", [0o640, 0o604])
    def test_a_secret_file_of_ours_that_others_may_read_is_refused(self, config, tmp_path, mode):
        (tmp_path / "hash").write_text("s3cret\n")
        (tmp_path / "hash").chmod(mode)
        with pytest.raises(ConfigError) as caught:
            config('[telegram]\napi_hash_file = "hash"\n')
        assert "telegram.api_hash_file: others may read" in caught.value.detail
        assert f"chmod 600 {tmp_path / 'hash'}" in caught.value.hint
        assert "s3cret" not in str(caught.value)

    def test_systemd_credentials_win_over_the_file_and_lose_to_variables(self, config, tmp_path):
        folder = tmp_path / "credentials"
        folder.mkdir()
        (folder / "telegram__api_hash").write_text("from systemd")
        (folder / "sources__x__ct0").write_text("from systemd")
        (folder / "limits__max_parallel_jobs").write_text("99")  # no secret: not ours
        settings = config(
            '[telegram]\napi_hash = "from file"\n',
            {"CREDENTIALS_DIRECTORY": str(folder), "REELDECK_SOURCES__X__CT0": "from variable"},
        )
        assert settings.telegram.api_hash is not None
        assert settings.telegram.api_hash.get_secret_value() == "from systemd"
        assert settings.sources.x.ct0 is not None
        assert settings.sources.x.ct0.get_secret_value() == "from variable"
        assert settings.limits.max_parallel_jobs == 4

    def test_a_secret_given_twice_in_one_place_is_refused(self, config, tmp_path):
        said = complaint(config, '[telegram]\nbot_token = "a"\nbot_token_file = "b"\n')
        assert "telegram.bot_token is given twice" in said

    def test_a_secret_file_that_is_missing_is_named(self, config, tmp_path):
        said = complaint(config, '[sources.x]\nauth_token_file = "nowhere"\n')
        assert "sources.x.auth_token_file" in said
        assert str(tmp_path / "nowhere") in said
        assert "No such file" in said

    def test_a_secret_of_the_wrong_kind_is_not_repeated(self, config):
        assert "12345" not in complaint(config, "[telegram]\napi_hash = 12345\n")
        assert "12345" not in complaint(config, 'telegram = [{api_hash = "12345"}]\n')

    def test_only_secrets_have_a_file_form(self, config):
        assert "max_height_file" in complaint(config, '[media]\nmax_height_file = "x"\n')


class TestComplaints:
    def test_an_unknown_key_is_named_with_its_line_and_the_nearest_right_one(self, config, tmp_path):
        said = complaint(config, "# a comment\n\n[limits]\nmax_paralel_jobs = 3\n")
        assert said == (
            f"{tmp_path / 'config.toml'}:4: there is no key limits.max_paralel_jobs; "
            "did you mean limits.max_parallel_jobs?"
        )

    @pytest.mark.parametrize(
        ("text", "line", "meant"),
        [
            ("[limts]\nmax_parallel_jobs = 1\n", 1, "limits"),
            ("[paths]\nmax_parallel_jobs = 1\n", 2, "limits.max_parallel_jobs"),
            ("[sources.direct]\n\nenabld = true\n", 3, "sources.direct.enabled"),
            ("[sources.x]\nquery = 'x'\n", 2, "sources.x.query_id"),
            ("[telegram.server]\nhosts = 'x'\n", 2, "telegram.server.host"),
            ("limits.max_queue = 1\n", 1, "limits.max_queue_length"),
            ("limits = {max_queue_lenght = 1}\n", 1, "limits.max_queue_length"),
        ],
    )
    def test_the_nearest_key_is_found_in_every_table(self, config, text, line, meant):
        said = complaint(config, text)
        assert f"config.toml:{line}: there is no key" in said
        assert said.endswith(f"did you mean {meant}?")

    def test_a_key_that_resembles_none_gets_no_suggestion(self, config):
        assert complaint(config, "[limits]\nzzzzzz = 1\n").endswith("there is no key limits.zzzzzz")

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ('[limits]\nmax_parallel_jobs = "many"\n', ':2: limits.max_parallel_jobs = "many" should be'),
            ("[limits]\n\nmax_parallel_jobs = 0\n", ":3: limits.max_parallel_jobs = 0 should be greater"),
            ('[media]\nhardware = "on"\n', ":2: media.hardware = \"on\" should be 'auto' or 'off'"),
            ('[retries]\nbackoff_s = [\n 1,\n "x",\n]\n', ':2: retries.backoff_s.1 = "x" should be a'),
            ("[retries]\nbackoff_s = 5\n", ":2: retries.backoff_s = 5 should be a list"),
            ("limits = 5\n", ":1: limits = 5 should be a table"),
            ('[sources]\ndirect = "x"\n', ':2: sources.direct = "x" should be a table'),
            (
                '[limits]\nquiet_hours = "late"\n',
                ':2: limits.quiet_hours = "late" should be two times of day',
            ),
            ('[paths]\ndata_dir = "media"\n', ':2: paths.data_dir = "media" should be a full path'),
            (
                '[limits]\nmax_file_size_bytes = "2 GB"\n',
                ':2: limits.max_file_size_bytes = "2 GB" should be a whole number',
            ),
            ('[network]\nallow_addresses = ["x"]\n', ":2: network.allow_addresses"),
            ("[api]\ntcp_port = 70000\n", ":2: api.tcp_port = 70000"),
            (
                (
                    '[[sources.tariq_allah.sites]]\nname = "a"\nhosts = []\n\n'
                    '[[sources.tariq_allah.sites]]\nname = "b"\n'
                ),
                ":5: sources.tariq_allah.sites.1.hosts is missing",
            ),
        ],
    )
    def test_a_wrong_value_is_named_with_its_line_and_what_is_expected(self, config, text, said):
        assert f"config.toml{said}" in complaint(config, text)

    def test_every_problem_is_named_at_once(self, config):
        said = complaint(
            config, "[limits]\nmax_height = 1\n[media]\nmax_height = -1\n", {"REELDECK_X__Y": "1"}
        )
        assert said.count("; ") >= 2
        assert "config.toml:2: " in said
        assert "config.toml:4: " in said
        assert "REELDECK_X__Y: " in said

    @pytest.mark.parametrize(
        ("text", "line"), [("[limits\n", 1), ("[a]\nx = \n", 2), ("[a]\n[a]\n", 2), ('x = """\nabc\n', 3)]
    )
    def test_a_syntax_error_is_named_with_its_line(self, config, text, line):
        assert f"config.toml:{line}: " in complaint(config, text)

    @pytest.mark.parametrize(
        ("text", "hint"),
        [
            ("[paths]\narchive_dir = /srv/media\n", "Text stands in quotes"),
            ("[telegram]\nenabled = True\n", "true and false are written small"),
            ('[paths]\narchive_dir = "C:\\Users"\n', "'single quotes'"),
            ('[paths]\narchive_dir = "\\media"\n', "'single quotes'"),
        ],
    )
    def test_the_usual_slips_of_toml_come_with_their_cure(self, config, text, hint):
        with pytest.raises(ConfigError) as caught:
            config(text)
        assert hint in caught.value.hint

    def test_a_file_that_is_not_text_is_refused(self, tmp_path):
        file = tmp_path / "config.toml"
        file.write_bytes(b"\xff\xfe")
        with pytest.raises(ConfigError, match="UTF-8"):
            load_settings(file, {})

    def test_a_folder_is_no_configuration(self, tmp_path):
        with pytest.raises(ConfigError, match="cannot be read"):
            load_settings(tmp_path, {})

    @pytest.mark.parametrize(
        ("name", "meant"),
        [
            ("REELDECK_LIMITS__MAX_PARALEL_JOBS", "REELDECK_LIMITS__MAX_PARALLEL_JOBS"),
            ("REELDECK_PATHS_DATA_DIR", "REELDECK_PATHS__DATA_DIR"),
            ("REELDECK_SOURCES__DIRECT__ENABLD", "REELDECK_SOURCES__DIRECT__ENABLED"),
            ("REELDECK_LIMITS", "REELDECK_LIMITS__KEY"),
        ],
    )
    def test_an_unknown_variable_is_named_with_the_nearest_right_one(self, config, name, meant):
        assert (
            complaint(config, "", {name: "1"}) == f"{name}: there is no such setting; did you mean {meant}?"
        )

    def test_a_wrong_value_in_a_variable_names_the_variable(self, config):
        said = complaint(
            config,
            "[limits]\nmax_parallel_jobs = 2\n",
            {"REELDECK_LIMITS__MAX_PARALLEL_JOBS": "lots", "REELDECK_RETRIES__BACKOFF_S": "1,x"},
        )
        assert 'REELDECK_LIMITS__MAX_PARALLEL_JOBS: limits.max_parallel_jobs = "lots" should be' in said
        assert 'REELDECK_RETRIES__BACKOFF_S: retries.backoff_s.1 = "x" should be' in said

    def test_what_is_repeated_cannot_write_to_the_terminal(self, config):
        said = complaint(config, '[media]\nhardware = "\\u001b[2J"\n"a\\u001b[2J" = 1\n')
        assert "\x1b" not in said

    def test_variables_of_others_are_none_of_ours(self, config):
        assert config("", {"REELDECKX": "1", "PATH": "/bin", "HOME": str(Path.home())}) == Settings()
