"""Checks requests of webhooks by the library of Standard Webhooks.

Reads lines of JSON with secret, headers and body; prints for each the id of the event, or why it is
refused.
"""

import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError

for line in sys.stdin:
    told = json.loads(line)
    try:
        event = Webhook(told["secret"]).verify(told["body"].encode(), told["headers"])
        print(event["id"])
    except WebhookVerificationError as refused:
        print(f"refused: {refused}")
