"""Signs a batch of three PDFs with pyHanko's own CSC signer, by one authorisation, and validates them.

Standard input: JSON {url, version, token, credential, pin}. Standard output: JSON {authorised, signatures: [...]}.
"""

import asyncio
import io
import json
import sys

import aiohttp
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.signers.csc_signer import (
    CSCAuthorizationManager,
    CSCServiceSessionInfo,
    CSCSigner,
    fetch_certs_in_csc_credential,
)
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

BATCH = 3


class PinAuthorization(CSCAuthorizationManager):
    """What pyHanko leaves to its user: who asks the holder, and posts."""

    def __init__(self, about, credential, session, pin):
        super().__init__(about, credential)
        self.session = session
        self.pin = pin
        self.authorised = []

    async def authorize_signature(self, hash_b64s):
        self.authorised.append(len(hash_b64s))
        request = self.format_csc_auth_request(
            num_signatures=len(hash_b64s), pin=self.pin, hash_b64s=hash_b64s
        )
        url = self.csc_session_info.endpoint_url('credentials/authorize')
        async with self.session.post(
            url, headers=self.auth_headers, json=request, raise_for_status=True
        ) as response:
            return self.parse_csc_auth_response(await response.json())


def empty_pdf():
    writer = PdfFileWriter()
    contents = writer.add_object(generic.StreamObject(stream_data=b''))
    writer.insert_page(PageObject(contents=contents, media_box=(0, 0, 200, 200)))
    octets = io.BytesIO()
    writer.write(octets)
    return octets


async def judged(signed, chain):
    context = ValidationContext(trust_roots=[chain[-1]], other_certs=chain)
    signature = PdfFileReader(signed).embedded_signatures[0]
    status = await async_validate_pdf_signature(signature, context)
    return {'intact': status.intact, 'valid': status.valid, 'trusted': status.trusted}


async def main(given):
    async with aiohttp.ClientSession() as session:
        about = CSCServiceSessionInfo(
            service_url=given['url'],
            credential_id=given['credential'],
            oauth_token=given['token'],
            api_ver=given['version'],
        )
        credential = await fetch_certs_in_csc_credential(session, about)
        manager = PinAuthorization(about, credential, session, given['pin'])
        signer = CSCSigner(session, manager, batch_size=BATCH, sign_timeout=60)

        async def sign():
            metadata = signers.PdfSignatureMetadata(
                field_name='Signature',
                md_algorithm='sha256',
                subfilter=fields.SigSeedSubFilter.PADES,
            )
            return await signers.async_sign_pdf(
                IncrementalPdfFileWriter(empty_pdf()), metadata, signer=signer
            )

        documents = await asyncio.gather(*(sign() for _ in range(BATCH)))
        chain = list(credential.chain)
        signatures = [await judged(document, chain) for document in documents]
        print(json.dumps({'authorised': manager.authorised, 'signatures': signatures}))


asyncio.run(main(json.load(sys.stdin)))
