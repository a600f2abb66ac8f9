"""Drives an issuer through the vendor's own client, and prints what the client made of it."""

import json
import sys

from requests import HTTPError
from seeme import Client

told = json.load(sys.stdin)


def client(key):
    return Client(
        username=told["username"],
        apikey=key,
        backend=told["endpoint"],
        env_file=None,
    )


def refused(call):
    try:
        call()
    except HTTPError as error:
        return error.response.status_code
    return None


user = client(told["credential"])
minted = user.create_api_key("made by the client", expires_in_days=3)
never = user.create_api_key("for ever")
listed = user.get_api_keys()
theirs = client(minted.key)
seen = [key.id for key in theirs.get_api_keys()]
user.delete_api_key(minted.id)
left = user.get_api_keys()

by_password = Client(backend=told["endpoint"], env_file=None)
reply = by_password.login(told["username"], told["password"])
by_password.delete_api_key(never.id)
by_password.logout()

print(
    json.dumps(
        {
            "minted": minted.model_dump(),
            "never": never.model_dump(),
            "listed": [key.model_dump() for key in listed],
            "seen": seen,
            "left": [key.id for key in left],
            "after": refused(lambda: client(minted.key)),
            "nonsense": refused(lambda: client("nonsense")),
            "session": refused(lambda: client(reply.apikey)),
        }
    )
)
