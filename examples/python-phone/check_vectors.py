#!/usr/bin/env python3
"""Holds phone.py against the vectors of the device protocol: `python3 check_vectors.py ../../test/protocol/vectors.json`."""
import json, struct, sys

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

import phone


def same(what, made, told):
    if made != told:
        sys.exit(f"{what}: {made} is not {told}")


def number(text):
    return int.from_bytes(phone.unb64u(text), "big")


def public_key(jwk):
    return ec.EllipticCurvePublicNumbers(number(jwk["x"]), number(jwk["y"]), ec.SECP256R1()).public_key()


def verify(jws, jwk):
    """Header and claims of a compact JWS (RFC 7515), once its signature is right (ES256, RFC 7518 section 3.4)."""
    text, _, signature = jws.rpartition(".")
    raw = phone.unb64u(signature)
    r, s = (int.from_bytes(raw[at:at + 32], "big") for at in (0, 32))
    public_key(jwk).verify(encode_dss_signature(r, s), text.encode(), ec.ECDSA(hashes.SHA256()))
    return tuple(json.loads(phone.unb64u(part)) for part in text.split("."))


def unseal(jwe, jwk):
    """What is in a compact JWE (RFC 7516): ECDH-ES straight into A256GCM (RFC 7518 section 4.6)."""
    header, _, iv, sealed, tag = jwe.split(".")
    told = json.loads(phone.unb64u(header))
    private = ec.derive_private_key(number(jwk["d"]), ec.SECP256R1())
    field = lambda data: struct.pack(">I", len(data)) + data
    info = field(told["enc"].encode()) + field(b"") + field(b"") + struct.pack(">I", 256)
    key = ConcatKDFHash(hashes.SHA256(), 32, info).derive(private.exchange(ec.ECDH(), public_key(told["epk"])))
    return told, json.loads(AESGCM(key).decrypt(phone.unb64u(iv), phone.unb64u(sealed) + phone.unb64u(tag), header.encode()))


def main():
    vectors = json.load(open(sys.argv[1]))
    pin, full, offline, jose = (vectors[name] for name in ("pin", "full_context", "offline", "jose"))
    tag, k_off = phone.derive(bytes.fromhex(pin["k_dev_hex"]), pin["pin"], phone.unb64u(pin["salt"]), pin["iterations"])
    same("pin_tag", phone.b64u(tag), pin["pin_tag"])
    same("k_off", phone.b64u(k_off), pin["k_off"])
    same("jcs", phone.canonical(full["ctx"]).decode(), full["jcs"])
    same("offline_code", phone.offline_code(k_off, phone.unb64u(offline["txn"]), full["ctx"]), full["offline_code"])
    for one in jose["messages"]:
        same(one["endpoint"], verify(one["jws"], jose["device_jwk"]), (one["header"], one["claims"]))
    for one in jose["sealed"]:
        header, members = unseal(one["jwe"], jose["enc_private_jwk"])
        same("sec", members, one["members"])
        same("sec", {name: header[name] for name in ("alg", "enc", "kid")}, {"alg": "ECDH-ES", "enc": "A256GCM", "kid": jose["enc_jwk"]["kid"]})
    # And what is made here opens in the same way.
    same("seal", unseal(phone.seal(jose["enc_jwk"], {"device": "d"}), jose["enc_private_jwk"])[1], {"device": "d"})
    print(f"{len(jose['messages'])} messages and {len(jose['sealed'])} sealed texts are right.")


if __name__ == "__main__":
    main()
