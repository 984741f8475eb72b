"""A small identity provider on pysaml2: idp.py ROOM.

A test posts its service provider's metadata to /sps; the query says what is special about it: encrypt=1 (assertions are
encrypted), sign=response (instead of assertions), sha1=1 (old signatures). Whoever types a name is signed in.
"""

import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from urllib.parse import parse_qs, quote, urlsplit

import saml2.sigver
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.authn_context import PASSWORD
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_PERSISTENT, NameID
from saml2.server import Server
from saml2.xmldsig import DIGEST_SHA1, DIGEST_SHA256, SIG_RSA_SHA1, SIG_RSA_SHA256

ROOM = sys.argv[1]
LOCK = Lock()
SPECIAL = {}

# pysaml2 would encrypt with Triple-DES.
saml2.sigver.pre_encryption_part.__kwdefaults__["msg_enc"] = "http://www.w3.org/2009/xmlenc11#aes256-gcm"
for holder in (saml2.sigver.CryptoBackendXmlSec1, saml2.sigver.SecurityContext):
    defaults = holder.encrypt_assertion.__defaults__
    holder.encrypt_assertion.__defaults__ = ("aes-256",) + defaults[1:]


def provider(address):
    """The provider with all service providers that are known by now."""
    sps = [os.path.join(ROOM, "sps", name) for name in os.listdir(os.path.join(ROOM, "sps"))]
    config = IdPConfig().load({
        "entityid": f"{address}/metadata",
        "key_file": os.path.join(ROOM, "idp.pem"),
        "cert_file": os.path.join(ROOM, "idp.crt"),
        "metadata": {"local": sps},
        "service": {"idp": {
            "want_authn_requests_signed": False,
            "want_authn_requests_only_with_valid_cert": False,
            "name_id_format": [NAMEID_FORMAT_PERSISTENT],
            "policy": {"default": {"lifetime": {"minutes": 5}, "name_form": "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"}},
            "endpoints": {
                "single_sign_on_service": [(f"{address}/sso", BINDING_HTTP_REDIRECT)],
                "single_logout_service": [(f"{address}/slo", BINDING_HTTP_REDIRECT)],
            },
        }},
    })
    return Server(config=config)


def algorithms(sp):
    old = "sha1" in SPECIAL.get(sp, {})
    return {"sign_alg": SIG_RSA_SHA1 if old else SIG_RSA_SHA256, "digest_alg": DIGEST_SHA1 if old else DIGEST_SHA256}


def name_of(user, sp):
    issuer = f"http://{SERVER.server_address[0]}:{SERVER.server_address[1]}/metadata"
    return NameID(format=NAMEID_FORMAT_PERSISTENT, name_qualifier=issuer, sp_name_qualifier=sp, text=f"id-of-{user}")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        with LOCK:
            url = urlsplit(self.path)
            self.query = {name: values[0] for name, values in parse_qs(url.query).items()}
            self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            self.idp = provider(f"http://{SERVER.server_address[0]}:{SERVER.server_address[1]}")
            try:
                getattr(self, "at_" + url.path.strip("/").replace("/", "_"))()
            except Exception as error:  # a refusal is an answer that tests read
                self.answer(400, f"{type(error).__name__}: {error}")

    do_POST = do_GET

    def answer(self, status, text, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(text.encode())

    def at_metadata(self):
        self.answer(200, str(entity_descriptor(self.idp.config)))

    def at_sps(self):
        sp = self.body.split('entityID="')[1].split('"')[0]
        SPECIAL[sp] = self.query
        with open(os.path.join(ROOM, "sps", quote(sp, safe="") + ".xml"), "w") as place:
            place.write(self.body)
        self.answer(204, "")

    def asked(self, parse):
        """The message in the query; its signature is checked if there is one."""
        told = self.query
        return parse(told["SAMLRequest"], BINDING_HTTP_REDIRECT, told.get("RelayState"), told.get("SigAlg"), told.get("Signature"))

    def at_sso(self):
        message = self.asked(self.idp.parse_authn_request).message
        sp, relay_state = message.issuer.text, self.query.get("RelayState", "")
        signed = "yes" if "Signature" in self.query else "no"
        self.answer(200, (
            f'<form method="post" action="/login"><input name="user" value=""><input name="sp" value="{sp}">'
            f'<input name="request" value="{message.id}"><input name="acs" value="{message.assertion_consumer_service_url}">'
            f'<input name="relay" value="{relay_state}"></form> signed: {signed}, again: {message.force_authn}'
        ))

    def at_login(self):
        form = {name: values[0] for name, values in parse_qs(self.body).items()}
        sp, special = form["sp"], SPECIAL[form["sp"]]
        whole = special.get("sign") == "response"
        response = self.idp.create_authn_response(
            {"mail": [f"{form['user']}@example.com"], "displayName": ["Doe, Jane & Co"], "uid": [form["user"]]},
            form["request"], form["acs"], sp, name_id=name_of(form["user"], sp), userid=form["user"],
            authn={"class_ref": PASSWORD, "authn_auth": "pysaml2", "authn_instant": int(time.time())},
            sign_response=whole, sign_assertion=not whole, encrypt_assertion="encrypt" in special, **algorithms(sp),
        )
        sent = self.idp.apply_binding(BINDING_HTTP_POST, str(response), form["acs"], form["relay"], response=True)
        self.answer(200, sent["data"])

    def at_slo(self):
        if "SAMLResponse" in self.query:
            held = self.idp.parse_logout_request_response(self.query["SAMLResponse"], BINDING_HTTP_REDIRECT)
            return self.answer(200, f"ended: {held.status_ok()}")
        request = self.asked(self.idp.parse_logout_request).message
        response = self.idp.create_logout_response(request, [BINDING_HTTP_REDIRECT])
        to = self.idp.response_args(request, [BINDING_HTTP_REDIRECT])["destination"]
        sent = self.idp.apply_binding(
            BINDING_HTTP_REDIRECT, str(response), to, self.query.get("RelayState", ""), response=True, sign=True,
            sigalg=SIG_RSA_SHA256,
        )
        self.answer(302, "", sent["headers"])

    def at_end(self):
        """The provider ends the sessions of `user` at `sp`, by POST."""
        sp = self.query["sp"]
        (to,) = {s["location"] for s in self.idp.metadata.single_logout_service(sp, BINDING_HTTP_POST, "spsso")}
        _, request = self.idp.create_logout_request(
            to, sp, name_id=name_of(self.query["user"], sp), sign=True, session_indexes=["s1", "s2"], **algorithms(sp)
        )
        self.answer(200, self.idp.apply_binding(BINDING_HTTP_POST, str(request), to, "where")["data"])


SERVER = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(os.path.join(ROOM, "address.new"), "w") as place:
    place.write(f"http://127.0.0.1:{SERVER.server_address[1]}\n")
os.rename(os.path.join(ROOM, "address.new"), os.path.join(ROOM, "address"))
SERVER.serve_forever()
