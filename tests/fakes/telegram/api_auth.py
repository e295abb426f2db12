"""Logging in: by code, password, token or QR (core.telegram.org/api/auth, /api/srp, /api/qr-login), and the
service's own settings.
"""

from __future__ import annotations

import struct
from typing import Any

from telethon.tl import functions, types

from tests.fakes.telegram.calls import Call, answers
from tests.fakes.telegram.crypto import GENERATOR, PRIME, PasswordProof, big
from tests.fakes.telegram.view import when
from tests.fakes.telegram.wire import Refused

_TOKEN_LIFE_S = 30


@answers(functions.help.GetConfigRequest, public=True)
def _config(call: Call, _: Any) -> types.Config:
    now = call.server.now()
    options = [
        types.DcOption(dc, "127.0.0.1", port, this_port_only=True) for dc, port in call.server.ports.items()
    ]
    numbers = dict.fromkeys(
        [
            "online_update_period_ms",
            "offline_blur_timeout_ms",
            "offline_idle_timeout_ms",
            "online_cloud_timeout_ms",
            "notify_cloud_delay_ms",
            "notify_default_delay_ms",
            "push_chat_period_ms",
            "push_chat_limit",
            "rating_e_decay",
            "stickers_recent_limit",
            "channels_read_media_period",
            "call_receive_timeout_ms",
            "call_ring_timeout_ms",
            "call_connect_timeout_ms",
            "call_packet_timeout_ms",
        ],
        30_000,
    )
    return types.Config(
        date=when(now),
        expires=when(now + 3600),
        test_mode=False,
        this_dc=call.connection.dc,
        dc_options=options,
        dc_txt_domain_name="",
        chat_size_max=200,
        megagroup_size_max=200_000,
        forwarded_count_max=100,
        edit_time_limit=172_800,
        revoke_time_limit=2**31 - 1,
        revoke_pm_time_limit=2**31 - 1,
        me_url_prefix="https://t.me/",
        caption_length_max=1024,
        message_length_max=4096,
        webfile_dc_id=call.connection.dc,
        **numbers,
    )


@answers(functions.help.GetAppConfigRequest, public=True)
def _app_config(call: Call, _: Any) -> types.help.AppConfig:
    parts = call.server.files.max_parts
    limits = {
        "upload_max_fileparts_default": parts,
        "upload_max_fileparts_premium": 2 * parts,
        "caption_length_limit_default": 1024,
        "caption_length_limit_premium": 4096,
    }
    values = [types.JsonObjectValue(key, types.JsonNumber(float(value))) for key, value in limits.items()]
    return types.help.AppConfig(1, types.JsonObject(values))


@answers(functions.auth.SendCodeRequest, functions.auth.ResendCodeRequest, public=True)
def _send_code(call: Call, request: Any) -> types.auth.SentCode:
    phone = request.phone_number.lstrip("+")
    if not phone.isdigit():
        raise Refused("PHONE_NUMBER_INVALID")
    code = call.server.codes.send(phone)
    return types.auth.SentCode(types.auth.SentCodeTypeApp(len(code)), call.server.codes.hash_of(phone))


@answers(functions.auth.SignInRequest, public=True)
def _sign_in(call: Call, request: functions.auth.SignInRequest) -> Any:
    phone = request.phone_number.lstrip("+")
    call.server.codes.check(phone, request.phone_code_hash, request.phone_code or "")
    account = next((one for one in call.world.state.accounts.values() if one.phone == phone), None)
    if account is None:
        return types.auth.AuthorizationSignUpRequired()
    return _enter(call, account.id)


def _enter(call: Call, account: int) -> types.auth.Authorization:
    """Log the caller's key in, or ask for the password first."""
    state, key = call.world.state, call.connection.key_id
    if state.accounts[account].password:
        state.half_logins[key] = account
        raise Refused("SESSION_PASSWORD_NEEDED", 401)
    return _authorized(call, account)


def _authorized(call: Call, account: int) -> types.auth.Authorization:
    state, key = call.world.state, call.connection.key_id
    state.half_logins.pop(key, None)
    state.logins[key] = account
    return types.auth.Authorization(call.world.view(account).user(state.accounts[account]))


@answers(functions.account.GetPasswordRequest, public=True)
def _password(call: Call, _: Any) -> types.account.Password:
    state, key = call.world.state, call.connection.key_id
    account = state.half_logins.get(key) or call.account
    if not account:
        raise Refused("AUTH_KEY_UNREGISTERED", 401)
    salts = b"\x01" * 8, b"\x02" * 16
    new = types.PasswordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow(
        *salts, GENERATOR, big(PRIME)
    )
    unknown = types.SecurePasswordKdfAlgoUnknown()
    password = state.accounts[account].password
    if not password:
        return types.account.Password(new, unknown, b"\0" * 256)
    proof = call.server.proofs[key] = PasswordProof(password, *salts)
    return types.account.Password(
        new,
        unknown,
        b"\0" * 256,
        has_password=True,
        current_algo=new,
        srp_B=proof.challenge,
        srp_id=proof.srp_id,
    )


@answers(functions.auth.CheckPasswordRequest, public=True)
def _check_password(call: Call, request: functions.auth.CheckPasswordRequest) -> types.auth.Authorization:
    key, given = call.connection.key_id, request.password
    account = call.world.state.half_logins.get(key)
    proof = call.server.proofs.pop(key, None)
    if account is None or proof is None or proof.srp_id != getattr(given, "srp_id", None):
        raise Refused("SRP_ID_INVALID")
    if not proof.proves(given.A, given.M1):
        raise Refused("PASSWORD_HASH_INVALID")
    return _authorized(call, account)


@answers(functions.auth.ImportBotAuthorizationRequest, public=True)
def _bot(call: Call, request: functions.auth.ImportBotAuthorizationRequest) -> types.auth.Authorization:
    for account in call.world.state.accounts.values():
        if account.token and account.token == request.bot_auth_token:
            return _authorized(call, account.id)
    raise Refused("ACCESS_TOKEN_INVALID")


@answers(functions.auth.LogOutRequest)
def _log_out(call: Call, _: Any) -> types.auth.LoggedOut:
    del call.world.state.logins[call.connection.key_id]
    return types.auth.LoggedOut()


@answers(functions.auth.ExportLoginTokenRequest, public=True)
def _export_token(call: Call, _: Any) -> Any:
    key = call.connection.key_id
    if account := call.server.scanned.pop(key, 0):
        return types.auth.LoginTokenSuccess(_enter(call, account))
    token = struct.pack("<Qq", key, call.server.now() + _TOKEN_LIFE_S)
    return types.auth.LoginToken(when(call.server.now() + _TOKEN_LIFE_S), token)


@answers(functions.auth.AcceptLoginTokenRequest)
def _accept_token(call: Call, request: functions.auth.AcceptLoginTokenRequest) -> types.Authorization:
    now = when(call.server.now())
    call.server.scan(request.token, call.account)
    return types.Authorization(
        hash=1,
        device_model="PC",
        platform="",
        system_version="",
        api_id=1,
        app_name="",
        app_version="",
        date_created=now,
        date_active=now,
        ip="127.0.0.1",
        country="",
        region="",
    )


@answers(functions.auth.ExportAuthorizationRequest)
def _export(call: Call, _: Any) -> types.auth.ExportedAuthorization:
    return types.auth.ExportedAuthorization(call.account, struct.pack("<Q", call.connection.key_id))


@answers(functions.auth.ImportAuthorizationRequest, public=True)
def _import(call: Call, request: functions.auth.ImportAuthorizationRequest) -> types.auth.Authorization:
    (key,) = struct.unpack("<Q", request.bytes)
    if call.world.state.logins.get(key) != request.id:
        raise Refused("AUTH_BYTES_INVALID")
    return _authorized(call, request.id)
