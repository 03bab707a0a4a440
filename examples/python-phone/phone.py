#!/usr/bin/env python3
"""A phone for Countersign in one file. docs/write-your-own-phone.md tells all that it does.

Needs Python 3.9 and `cryptography`. WARNING: its keys stand unencrypted in a file (mode 600). Whoever reads the file
and knows the PIN is this phone. A real app keeps its keys where no program can read them.
The PIN comes from COUNTERSIGN_PHONE_PIN, or is asked for.
"""
import argparse, base64, getpass, hashlib, hmac, json, os, secrets, struct, sys, time, urllib.error, urllib.request

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

TYPES = {"enrol/begin": "dev-enrol-begin+jwt", "enrol/complete": "dev-enrol+jwt", "respond": "dev-auth+jwt", "pin": "dev-pin+jwt"}
SUITE = b"OCRA-1:HOTP-SHA256-8:QH32-S064"


class Refused(Exception):
    """The server said no; `code` is the last part of the problem's type."""

    def __init__(self, problem):
        self.problem, self.code = problem, problem.get("type", "").rpartition(":")[2]
        super().__init__(f"{self.code}: {problem.get('title', '')}")


def b64u(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64u(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def canonical(value):
    """RFC 8785 for what `ctx` holds: text and whole numbers under ASCII names."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def public_jwk(key):
    numbers = key.public_key().public_numbers()
    return {"kty": "EC", "crv": "P-256", "x": b64u(numbers.x.to_bytes(32, "big")), "y": b64u(numbers.y.to_bytes(32, "big"))}


def derive(secret, pin, salt, iterations):
    """The tag that the server checks, and the key of offline codes."""
    stretched = hashlib.pbkdf2_hmac("sha256", pin.encode(), salt, iterations, 32)
    pin_key = hmac.digest(secret, stretched, "sha256")
    expand = lambda info: HKDF(hashes.SHA256(), 32, None, info).derive(pin_key)
    return expand(b"pin-online-v1"), expand(b"pin-offline-v1")


def offline_code(k_off, txn, ctx):
    """RFC 6287 with the suite of the protocol."""
    data = SUITE + b"\0" + txn.ljust(128, b"\0") + hashlib.sha512(canonical(ctx)).digest()
    mac = hmac.digest(k_off, data, "sha256")
    at = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[at:at + 4])[0] & 0x7FFFFFFF) % 10**8:08d}"


def sign(key, header, claims):
    text = ".".join(b64u(json.dumps(part).encode()) for part in (header, claims))
    r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{text}.{b64u(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def seal(enc_jwk, members):
    """A compact JWE: ECDH-ES (RFC 7518, 4.6) straight into A256GCM."""
    x, y = (int.from_bytes(unb64u(enc_jwk[name]), "big") for name in "xy")
    recipient = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    once = ec.generate_private_key(ec.SECP256R1())
    field = lambda data: struct.pack(">I", len(data)) + data
    info = field(b"A256GCM") + field(b"") + field(b"") + struct.pack(">I", 256)
    key = ConcatKDFHash(hashes.SHA256(), 32, info).derive(once.exchange(ec.ECDH(), recipient))
    header = b64u(json.dumps({"alg": "ECDH-ES", "enc": "A256GCM", "kid": enc_jwk["kid"], "epk": public_jwk(once)}).encode())
    iv = secrets.token_bytes(12)
    sealed = AESGCM(key).encrypt(iv, json.dumps(members).encode(), header.encode())
    return f"{header}..{b64u(iv)}.{b64u(sealed[:-16])}.{b64u(sealed[-16:])}"


class Phone:
    def __init__(self, path):
        self.path = path
        self.state = json.load(open(path)) if os.path.exists(path) else {"install_id": secrets.token_urlsafe(16)}

    def save(self):
        """Written whole beside the old file and then put in its place: a crash leaves one or the other."""
        fresh = self.path + ".new"
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(self.state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, self.path)

    def key(self):
        return ec.derive_private_key(int(self.state["key"], 16), ec.SECP256R1())

    def http(self, path, body=None):
        headers = {"Content-Type": "application/jose"} if body else {}
        request = urllib.request.Request(f"{self.state['origin']}/device/v1/{path}", body and body.encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            raise Refused(json.loads(error.read())) from None

    def metadata(self):
        facts = self.http("metadata")
        if facts["app_origin"] != self.state["origin"]:
            sys.exit(f"{self.state['origin']} says that it is {facts['app_origin']}.")
        self.state["offset"] = facts["server_time"] - int(time.time())
        return facts

    def post(self, endpoint, claims, kid=None):
        """Signs and sends; a clock that is off is put right once."""
        for attempt in (1, 2):
            now = time.time() + self.state.get("offset", 0)
            common = {"aud": f"{self.state['origin']}/device/v1/{endpoint}", "iat": int(now)}
            before = self.state.get("ctr", 0)
            if endpoint in ("respond", "pin"):
                self.state["ctr"] = common["ctr"] = max(before + 1, int(now * 1000))
                self.save()  # before it is sent: a counter is never used twice
            else:
                common["jti"] = b64u(secrets.token_bytes(16))
            if endpoint == "enrol/begin":
                who = {"jwk": public_jwk(self.key())}
            else:
                who = {"kid": kid or self.state["device_id"]}
                common["iss"] = who["kid"]
            try:
                return self.http(endpoint, sign(self.key(), {"alg": "ES256", "typ": TYPES.get(endpoint, "dev-req+jwt"), **who}, {**common, **claims}))
            except Refused as refused:
                if "ratchet" in refused.problem:
                    self.state["ratchet"] = refused.problem["ratchet"]
                    self.save()
                if refused.code == "device_removed":
                    self.forget()
                if refused.code != "clock_skew" or attempt == 2:
                    raise
                server_time = refused.problem["server_time"]
                # A counter that was kept while the clock was far ahead would be refused until that time has come.
                before = min(before, (server_time + 119) * 1000)
                self.state.update(offset=server_time - int(time.time()), ctr=before)

    def forget(self):
        self.state = {"install_id": self.state["install_id"]}
        self.save()

    def secrets_for(self, pin):
        state = self.state
        return derive(bytes.fromhex(state["secret"]), pin, unb64u(state["salt"]), state["iterations"])

    def enrol(self, origin, by, pin):
        if "device_id" in self.state:
            sys.exit("This phone has an account. Unlink it first.")
        # The same code again means the same keys: a second key would make the enrolment contested.
        if self.state.get("by") != by:
            key = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
            self.state.update(origin=origin, by=by, key=f"{key:064x}", secret=secrets.token_hex(32))
            self.save()
        facts = self.metadata()
        offer = self.post("enrol/begin", {**by, "install_id": self.state["install_id"]})
        print(f'Adding this phone as "{offer["device_name"]}" to {offer["account"]}.')
        self.state.update(salt=offer["salt"], iterations=offer["kdf"]["iterations"])
        tag, k_off = self.secrets_for(pin)
        members = {"device": offer["device_id"], "pin_tag": b64u(tag), "k_off": b64u(k_off)}
        if facts["pin"]["setup"] == "browser":
            members["pin"] = pin
        sec = seal(facts["enc_jwk"], members)
        done = self.post("enrol/complete", {"nonce": offer["nonce"], "platform": "Python", "sec": sec}, offer["enrolment_id"])
        self.state.update(device_id=done["device_id"], ratchet=done["ratchet"])
        del self.state["by"]
        self.save()
        print(f"Type this on the account page: {done['check']}" if done["state"] == "confirm" else "This phone is ready.")

    def pending(self):
        return self.post("pending", {})["transactions"]

    def request(self, txn):
        """The request with this id, or the only one."""
        found = [one for one in self.pending() if txn in (None, one["txn"])]
        if len(found) != 1:
            sys.exit("No such request waits." if not found else "Several requests wait: name one.")
        return found[0]

    def claim(self, txn, i, mac):
        return self.post("claim", {"txn": txn, "i": int(i), "mac": mac})

    def respond(self, request, decision, more):
        named = {"txn": request["txn"], "nonce": request["nonce"], "decision": decision}
        ctx_hash = b64u(hashlib.sha256(canonical(request["ctx"])).digest())
        return self.post("respond", {**named, "ctx_hash": ctx_hash, **more})

    def approve(self, request, pin, number=None):
        tag, _ = self.secrets_for(pin)
        more = {"uv": "pin", "pin_tag": b64u(tag), "ratchet": self.state["ratchet"], **({"number": number} if number else {})}
        try:
            self.state["ratchet"] = self.respond(request, "approve", more)["ratchet"]
        except Refused as refused:
            if refused.code != "approved":  # an answer that was lost: the request is approved
                raise
        self.save()

    def change_pin(self, old, new):
        (old_tag, _), (tag, k_off) = self.secrets_for(old), self.secrets_for(new)
        members = {"device": self.state["device_id"], "old_tag": b64u(old_tag), "pin_tag": b64u(tag), "k_off": b64u(k_off)}
        sec = seal(self.metadata()["enc_jwk"], members)
        self.state["ratchet"] = self.post("pin", {"ratchet": self.state["ratchet"], "sec": sec})["ratchet"]
        self.save()


def fragment(link, kind):
    """The parts of a link's fragment. The origin is what the keys belong to."""
    page, _, rest = link.partition("/phone/#")
    name, *parts = rest.split(".")
    if name != kind:
        sys.exit(f"This is not a link of the kind {kind}.")
    return page, parts


def ask_pin(words="PIN: "):
    return os.environ.get("COUNTERSIGN_PHONE_PIN") or getpass.getpass(words)


def show(request):
    ctx = request["ctx"]
    print(f"{request['txn']}  {ctx['rp']}  from {ctx['browser']} {ctx.get('ip', '')}  level {ctx['level']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--state", default="phone.json", help="the file with the keys")
    commands = parser.add_subparsers(dest="command", required=True)
    enrol = commands.add_parser("enrol", help="by the link of the QR code, or by --code, --login and --server")
    enrol.add_argument("link", nargs="?")
    for name in ("--code", "--login", "--server"):
        enrol.add_argument(name)
    for name in ("list", "self", "unlink"):
        commands.add_parser(name)
    approve, deny = commands.add_parser("approve"), commands.add_parser("deny")
    for command in (approve, deny):
        command.add_argument("txn", nargs="?")
    approve.add_argument("--number")
    deny.add_argument("--report", action="store_true", help="it was not me")
    for name in ("scan", "code"):
        commands.add_parser(name).add_argument("link")
    commands.add_parser("change-pin").add_argument("--new-pin")
    args = parser.parse_args()
    phone = Phone(args.state)
    if args.command != "enrol" and "device_id" not in phone.state:
        sys.exit("This phone has no account.")
    if args.command == "enrol":
        if args.link:
            origin, (token,) = fragment(args.link, "e1")
            by = {"token": token}
        else:
            origin, by = args.server, {"code": args.code, "login": args.login}
        phone.enrol(origin, by, ask_pin())
    elif args.command == "list":
        for request in phone.pending():
            show(request)
    elif args.command == "self":
        print(json.dumps(phone.post("self", {})))
    elif args.command == "approve":
        phone.approve(phone.request(args.txn), ask_pin(), args.number)
        print("Approved.")
    elif args.command == "deny":
        phone.respond(phone.request(args.txn), "report" if args.report else "deny", {})
        print("Denied.")
    elif args.command in ("scan", "code"):
        origin, (txn, i, mac, ctx) = fragment(args.link, "l1")
        if origin != phone.state["origin"]:
            sys.exit("This code is another server's.")
        if args.command == "scan":
            request = phone.claim(txn, i, mac)
            show(request)
            phone.approve(request, ask_pin())
            print("Approved.")
        else:
            told = json.loads(unb64u(ctx))
            if canonical(told) != unb64u(ctx) or not {"rp", "browser", "at", "level"} <= set(told) <= {"rp", "browser", "ip", "country", "at", "level", "binding"}:
                sys.exit("This code was not made by a Countersign server.")
            show({"txn": txn, "ctx": told})
            print(offline_code(phone.secrets_for(ask_pin())[1], unb64u(txn), told))
    elif args.command == "change-pin":
        phone.change_pin(ask_pin("Old PIN: "), args.new_pin or getpass.getpass("New PIN: "))
        print("The PIN is changed.")
    elif args.command == "unlink":
        phone.post("unlink", {})
        phone.forget()
        print("This phone has no account any more.")


if __name__ == "__main__":
    try:
        main()
    except Refused as refused:
        sys.exit(str(refused))
