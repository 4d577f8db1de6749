"""Signatures of bundles: Ed25519 (RFC 8032), by the extra ``sign``."""

from pathlib import Path
from typing import Any

from hardsight.core.extras import needed
from hardsight.core.run_folders import BundleError

SIGN = "'hardsight[sign]'"
"""What to install."""
CHECKING = "checking a signature"
PRIMITIVES = "cryptography.hazmat.primitives"
HOW = "make one with: openssl genpkey -algorithm ed25519 -out key.pem; its public half with: "
HOW += "openssl pkey -in key.pem -pubout -out public.pem"


def sign(content: bytes, private_key: Path) -> bytes:
    """Return the signature (64 bytes) of bytes.

    Args:
        content: to be signed.
        private_key: a PEM file of Ed25519 without a passphrase.

    Raises:
        ImportError: the extra is not installed.
        BundleError: no such key.
    """
    serialization, ed25519 = _primitives("signing a bundle")
    try:
        key = serialization.load_pem_private_key(private_key.read_bytes(), None)
    except FileNotFoundError as error:
        raise BundleError(f"{private_key} is not there; {HOW}") from error
    except (ValueError, TypeError) as error:
        raise BundleError(f"{private_key} is no private key ({error}); {HOW}") from error
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise BundleError(f"{private_key} is no private key of Ed25519; {HOW}")
    return bytes(key.sign(content))


def check_signature(content: bytes, signature: bytes | None, public_key: Path) -> None:
    """Refuse bytes that the owner of a key did not sign.

    Args:
        content: that was signed.
        signature: None: there is none.
        public_key: a PEM file of Ed25519.

    Raises:
        ImportError: the extra is not installed.
        BundleError: unsigned, changed, signed by another key, or no such key.
    """
    serialization, ed25519 = _primitives(CHECKING)
    try:
        key = serialization.load_pem_public_key(public_key.read_bytes())
    except FileNotFoundError as error:
        raise BundleError(f"{public_key} is not there; {HOW}") from error
    except ValueError as error:
        raise BundleError(f"{public_key} is no public key ({error}); {HOW}") from error
    if not isinstance(key, ed25519.Ed25519PublicKey):
        raise BundleError(f"{public_key} is no public key of Ed25519; {HOW}")
    if signature is None:
        raise BundleError(f"it is not signed, and only bundles signed for {public_key} are taken")
    try:
        key.verify(signature, content)
    except needed("cryptography.exceptions", SIGN, CHECKING).InvalidSignature as error:
        raise BundleError(
            f"its signature is not that of {public_key}: it was changed, or signed by somebody else"
        ) from error


def _primitives(purpose: str) -> tuple[Any, Any]:
    """Return the modules of keys in PEM and of Ed25519."""
    return (
        needed(f"{PRIMITIVES}.serialization", SIGN, purpose),
        needed(f"{PRIMITIVES}.asymmetric.ed25519", SIGN, purpose),
    )
