"""Has a token given by a stock OAuth 2 client, and asks with it.

oauth.py TOKEN_URL CLIENT_ID CLIENT_SECRET basic|form ADDRESS…

Prints a line of JSON: the token's members, and the status of each address asked.
"""

import json
import os
import sys

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # the tests' hub is on loopback, without TLS

from oauthlib.oauth2 import BackendApplicationClient
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

token_url, client_id, secret, how, *addresses = sys.argv[1:]
session = OAuth2Session(client=BackendApplicationClient(client_id=client_id))
if how == "basic":
    token = session.fetch_token(token_url, auth=HTTPBasicAuth(client_id, secret))
else:
    token = session.fetch_token(
        token_url, client_id=client_id, client_secret=secret, include_client_id=True
    )
statuses = [session.get(address).status_code for address in addresses]
print(json.dumps({"token": dict(token), "statuses": statuses}))
