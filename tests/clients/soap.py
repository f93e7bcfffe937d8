"""Calls a channel's web service with zeep, as a program that has only its WSDL would.

soap.py WSDL PORT USERNAME PASSWORD text|digest|replayed|stale FILE…

`replayed` sends one token with a digest along with each file, `stale` such as were made six minutes ago.
Prints a line of JSON for each file: the receipt, or the fault with its problem.
"""

import datetime
import json
import sys

from lxml import etree
from zeep import Client, Settings
from zeep.exceptions import Fault
from zeep.helpers import serialize_object
from zeep.wsse.username import UsernameToken

wsdl, port, username, password, how, *files = sys.argv[1:]
now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
made = {"replayed": now, "stale": now - datetime.timedelta(minutes=6)}
nonce = "seen by somebody" if how == "replayed" else None
token = UsernameToken(
    username, password, use_digest=how != "text", nonce=nonce, created=made.get(how)
)
client = Client(wsdl, wsse=token, settings=Settings(xml_huge_tree=True))
service = client.bind("Channel", port)
(operation,) = client.wsdl.services["Channel"].ports[port].binding.all().keys()

for file in files:
    element = etree.parse(file).getroot()
    try:
        receipt = getattr(service, operation)(_value_1=list(element))
        print(json.dumps(serialize_object(receipt, dict), default=str))
    except Fault as fault:
        detail = fault.detail if fault.detail is not None else etree.Element("none")
        problem = {}
        for part in detail.iter():
            if part.text and len(part) == 0:
                problem.setdefault(etree.QName(part).localname, part.text)
        told = {"fault": fault.code, "message": fault.message, "problem": problem}
        told["subcodes"] = [str(one) for one in fault.subcodes or []]
        print(json.dumps(told))
