"""Look-alikes of Facebook, X and a customer's own login page with JWT, on one port; they forget all when they stop.

A test first registers an app (POST /register: provider, client_id, client_secret, redirect_uri), as one would on the
provider's own pages. The provider's page then asks who is there: the browser adds `as=alice` or `as=bob`, or
`as=nobody` to let go. It may add `fault=` to make the provider fail: see FAULTS.

Strict where the real ones are: a redirect_uri that is not registered is never redirected to; a code works once, for
its app, its redirect_uri and its PKCE verifier; a call to the Graph API needs a fitting appsecret_proof.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, unquote_plus, urlencode, urlsplit

PEOPLE = {
    "alice": {"number": "4001", "name": "Alice Archer", "username": "alice_archer", "email": "alice@example.com"},
    "bob": {"number": "4002", "name": "Bob Baker", "username": "bob_baker"},
}
# At which of the provider's addresses what goes wrong; `token-of-another-app` hands out the token of another app.
FAULTS = ["", "token-500", "token-hang", "token-text", "me-500", "me-hang", "me-text", "me-no-id", "token-of-another-app"]
HANG = 15  # seconds: longer than anybody waits
LOCK = threading.Lock()
APPS, CODES, TOKENS = {}, {}, {}


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(secret, text):
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256)


class Refusal(Exception):
    """An answer other than the one that was hoped for: its status and its body."""

    def __init__(self, status, body):
        self.status, self.body = status, body


def graph_error(code, subcode=None, message="refused"):
    error = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A1"}
    if subcode:
        error["error_subcode"] = subcode
    return Refusal(400, {"error": error})


def x_error(status, error):
    return Refusal(status, {"error": error, "error_description": "refused"})


def dialog(provider, query):
    """Where the browser goes after the provider's page; a page for people if nobody said who is there."""
    app = APPS.get((provider, query.get("client_id")))
    if not app or query.get("redirect_uri") not in app["redirect_uris"]:
        raise Refusal(400, "This app or its redirect_uri is not known here.")
    if query.get("response_type") != "code":
        raise Refusal(400, "response_type must be code.")
    if provider == "x":
        asked = query.get("code_challenge"), query.get("code_challenge_method"), query.get("state")
        if not asked[0] or asked[1] != "S256" or not asked[2]:
            raise Refusal(400, "X needs code_challenge, S256 and state.")
        if not {"users.read", "tweet.read"} <= set(query.get("scope", "").split()):
            raise Refusal(400, "X needs the scopes users.read and tweet.read.")
    who, fault = query.get("as"), query.get("fault", "")
    if who not in [*PEOPLE, "nobody"] or fault not in FAULTS:
        raise Refusal(200, "Who is there? Add &as=alice, &as=bob or &as=nobody.")
    back = {"state": query["state"]} if "state" in query else {}
    if who == "nobody":
        back |= {"error": "access_denied", "error_description": "let go"}
    else:
        code = secrets.token_urlsafe(24)
        with LOCK:
            CODES[code] = {"app": app, "who": who, "fault": fault} | {
                name: query.get(name) for name in ["redirect_uri", "code_challenge", "code_challenge_method", "scope"]
            }
        back["code"] = code
    mark = "&" if "?" in query["redirect_uri"] else "?"
    return query["redirect_uri"] + mark + urlencode(back)


def spend(provider, form, refusal):
    """The code's meaning, once, if the code, redirect_uri and verifier belong together."""
    with LOCK:
        code = CODES.pop(form.get("code"), None)
    if not code or code["app"]["provider"] != provider or code["app"]["client_id"] != form.get("client_id"):
        raise refusal("the code is not valid")
    if form.get("redirect_uri") != code["redirect_uri"]:
        raise refusal("redirect_uri is another")
    if code["code_challenge"]:
        digest = base64url(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if code["code_challenge_method"] != "S256" or digest != code["code_challenge"]:
            raise refusal("the verifier does not match")
    return code


def token_for(code):
    app = code["app"]
    if code["fault"] == "token-of-another-app":
        app = {"client_id": "another", "client_secret": secrets.token_urlsafe(16)}
    token = secrets.token_urlsafe(24)
    with LOCK:
        TOKENS[token] = code | {"app": app}
    return token


def misbehave(fault, place):
    if fault == f"{place}-hang":
        time.sleep(HANG)
    if fault in [f"{place}-500", f"{place}-hang"]:
        raise Refusal(500, {"error": "out of order"})
    if fault == f"{place}-text":
        raise Refusal(200, "This is no JSON.")


def facebook_token(form, _):
    app = APPS.get(("facebook", form.get("client_id")))
    if not app:
        raise graph_error(101, message="Error validating application.")
    if not hmac.compare_digest(app["client_secret"], form.get("client_secret", "")):
        raise graph_error(1, message="Error validating client secret.")
    code = spend("facebook", form, lambda message: graph_error(100, 36009, message))
    misbehave(code["fault"], "token")
    return {"access_token": token_for(code), "token_type": "bearer", "expires_in": 5183944}


def facebook_me(query, headers):
    known = bearer(headers)
    if not known:
        raise graph_error(190, message="Invalid OAuth access token.")
    token, grant = known
    proof = sign(grant["app"]["client_secret"], token).hexdigest()
    if not hmac.compare_digest(proof, query.get("appsecret_proof", "")):
        raise graph_error(100, message="Invalid appsecret_proof provided in the API argument")
    misbehave(grant["fault"], "me")
    person, fields = PEOPLE[grant["who"]], query.get("fields", "id,name").split(",")
    me = {"id": person["number"], "name": person["name"]}
    if "email" in fields and "email" in (grant["scope"] or "").replace(",", " ").split() and "email" in person:
        me["email"] = person["email"]
    if grant["fault"] == "me-no-id":
        del me["id"]
    return {name: value for name, value in me.items() if name in fields}


def x_token(form, headers):
    scheme, _, credentials = headers.get("Authorization", "").partition(" ")
    try:
        client_id, _, secret = base64.b64decode(credentials, validate=True).decode().partition(":")
    except ValueError:
        client_id, secret = "", ""
    app = APPS.get(("x", unquote_plus(client_id)))
    if scheme != "Basic" or not app or not hmac.compare_digest(app["client_secret"], unquote_plus(secret)):
        raise x_error(401, "unauthorized_client")
    if form.get("grant_type") != "authorization_code":
        raise x_error(400, "unsupported_grant_type")
    code = spend("x", form | {"client_id": app["client_id"]}, lambda _: x_error(400, "invalid_request"))
    misbehave(code["fault"], "token")
    return {"access_token": token_for(code), "token_type": "bearer", "expires_in": 7200, "scope": code["scope"]}


def x_me(_, headers):
    known = bearer(headers)
    if not known or known[1]["app"]["client_id"] == "another":
        raise Refusal(401, {"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"})
    misbehave(known[1]["fault"], "me")
    person = PEOPLE[known[1]["who"]]
    data = {"id": person["number"], "name": person["name"], "username": person["username"]}
    if known[1]["fault"] == "me-no-id":
        del data["id"]
    return {"data": data}


def bearer(headers):
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return (token, TOKENS[token]) if scheme == "Bearer" and token in TOKENS else None


def jwt_login(site, query):
    """The customer's own login page: it knows the secret and our callback, and signs who is there."""
    app = APPS.get(("jwt", site))
    if not app or query.get("return") not in app["redirect_uris"]:
        raise Refusal(400, "This site or its return is not known here.")
    person = PEOPLE.get(query.get("as"))
    if not person:
        raise Refusal(200, "Who is there? Add &as=alice or &as=bob.")
    now = int(time.time())
    claims = {"sub": person["number"], "name": person["name"], "aud": query["return"], "iat": now, "exp": now + 120}
    claims |= {"iss": site, "jti": secrets.token_urlsafe(16)}
    if "email" in person:
        claims["email"] = person["email"]
    head = base64url(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    signed = head + "." + base64url(json.dumps(claims).encode())
    token = signed + "." + base64url(sign(app["client_secret"], signed).digest())
    mark = "&" if "?" in query["return"] else "?"
    return query["return"] + mark + urlencode({"jwt": token, "state": query.get("state", "")})


def register(form):
    app = {name: form[name] for name in ["provider", "client_id", "client_secret"]}
    with LOCK:
        known = APPS.setdefault((app["provider"], app["client_id"]), app | {"redirect_uris": set()})
        known["redirect_uris"].add(form["redirect_uri"])
    return {}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        path, query = self.asked()
        if path[-2:] == ["dialog", "oauth"]:
            self.answer(lambda: dialog("facebook", query))
        elif path == ["i", "oauth2", "authorize"]:
            self.answer(lambda: dialog("x", query))
        elif path[:1] == ["jwt"] and path[2:] == ["login"]:
            self.answer(lambda: jwt_login(path[1], query))
        elif path[1:] == ["me"] and path[0].startswith("v"):
            self.answer(lambda: facebook_me(query, self.headers))
        elif path == ["2", "users", "me"]:
            self.answer(lambda: x_me(query, self.headers))
        else:
            self.answer(self.nothing)

    def do_POST(self):
        path, _ = self.asked()
        form = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        form = {name: values[0] for name, values in parse_qs(form, keep_blank_values=True).items()}
        if path == ["register"]:
            self.answer(lambda: register(form))
        elif path[1:] == ["oauth", "access_token"] and path[0].startswith("v"):
            self.answer(lambda: facebook_token(form, self.headers))
        elif path == ["2", "oauth2", "token"]:
            self.answer(lambda: x_token(form, self.headers))
        else:
            self.answer(self.nothing)

    def asked(self):
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        return [part for part in url.path.split("/") if part] or [""], query

    def nothing(self):
        raise Refusal(404, "There is nothing here.")

    def answer(self, make):
        """A text that was made is where the browser goes; anything else is JSON."""
        try:
            status, body = 200, make()
            if isinstance(body, str):
                self.send_response(302)
                self.send_header("Location", quote(body, safe=":/?&=%+#"))
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
        except Refusal as refusal:
            status, body = refusal.status, refusal.body
        text = isinstance(body, str)
        data = (body if text else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if text else "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    room = sys.argv[1]
    with open(os.path.join(room, "address.new"), "w", encoding="ascii") as file:
        file.write(f"http://127.0.0.1:{server.server_port}")
    os.rename(os.path.join(room, "address.new"), os.path.join(room, "address"))
    server.serve_forever()
