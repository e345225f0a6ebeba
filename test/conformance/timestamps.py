"""Takes timestamps with pyHanko's own HTTP client for them, puts them into PDFs, and validates those.

Standard input: JSON {url, root, hashes: [...]}, the root as base64 of DER. Standard output: JSON {documents: [...],
signatures: [...]}: of each hash a PDF with a timestamp alone, and a PAdES-T signature by a key of this script.
"""

import asyncio
import base64
import io
import json
import sys
from datetime import datetime, timedelta, timezone

from asn1crypto import keys, x509
from cryptography import x509 as certificates
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.timestamps import HTTPTimeStamper
from pyhanko.sign.validation import async_validate_pdf_signature, async_validate_pdf_timestamp
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore


def empty_pdf():
    writer = PdfFileWriter()
    contents = writer.add_object(generic.StreamObject(stream_data=b''))
    writer.insert_page(PageObject(contents=contents, media_box=(0, 0, 200, 200)))
    octets = io.BytesIO()
    writer.write(octets)
    return octets


def own_signer():
    key = ec.generate_private_key(ec.SECP256R1())
    name = certificates.Name([certificates.NameAttribute(NameOID.COMMON_NAME, 'Me')])
    now = datetime.now(timezone.utc)
    usage = dict.fromkeys(
        [
            'digital_signature',
            'key_encipherment',
            'data_encipherment',
            'key_agreement',
            'key_cert_sign',
            'crl_sign',
            'encipher_only',
            'decipher_only',
        ],
        False,
    )
    made = (
        certificates.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(certificates.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            certificates.KeyUsage(content_commitment=True, **usage), critical=True
        )
        .sign(key, hashes.SHA256())
    )
    der = serialization.Encoding.DER
    plain = key.private_bytes(
        der, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return signers.SimpleSigner(
        signing_cert=x509.Certificate.load(made.public_bytes(der)),
        signing_key=keys.PrivateKeyInfo.load(plain),
        cert_registry=SimpleCertificateStore(),
    )


def told(status):
    return {'intact': status.intact, 'valid': status.valid, 'trusted': status.trusted}


async def timestamped(stamper, md, trusted):
    document = await signers.PdfTimeStamper(stamper).async_timestamp_pdf(
        IncrementalPdfFileWriter(empty_pdf()), md, trusted()
    )
    stamp = PdfFileReader(document).embedded_timestamp_signatures[0]
    return told(await async_validate_pdf_timestamp(stamp, trusted()))


async def signed(stamper, md, trusted):
    signer = own_signer()
    metadata = signers.PdfSignatureMetadata(
        field_name='Signature',
        md_algorithm=md,
        subfilter=fields.SigSeedSubFilter.PADES,
    )
    document = await signers.async_sign_pdf(
        IncrementalPdfFileWriter(empty_pdf()), metadata, signer=signer, timestamper=stamper
    )
    signature = PdfFileReader(document).embedded_signatures[0]
    status = await async_validate_pdf_signature(
        signature,
        ValidationContext(trust_roots=[signer.signing_cert]),
        ts_validation_context=trusted(),
    )
    return {**told(status), 'timestamp': told(status.timestamp_validity)}


async def main(given):
    root = x509.Certificate.load(base64.b64decode(given['root']))
    stamper = HTTPTimeStamper(given['url'])

    def trusted():
        return ValidationContext(trust_roots=[root])

    documents = [await timestamped(stamper, md, trusted) for md in given['hashes']]
    signatures = [await signed(stamper, md, trusted) for md in given['hashes']]
    print(json.dumps({'documents': documents, 'signatures': signatures}))


asyncio.run(main(json.load(sys.stdin)))
