"""Judges certificates with pkilint: those of persons by ETSI's rules, the others by those of RFC 5280.

Standard input: JSON [{file, rules: 'etsi' | 'pkix'}, ...]. Standard output: JSON {types: {type: count}, findings: [...]}:
findings of severity warning and above, as pkilint's own commands report them.
"""

import json
import sys

from pkilint import etsi, finding_filter, loader
from pkilint.pkix import certificate, extension, name

# Of pkilint's severities; INFO and NOTICE are no faults.
FAULTS = {'WARNING', 'ERROR', 'FATAL'}


def pkix():
    return certificate.create_pkix_certificate_validator_container(
        certificate.create_decoding_validators(
            name.ATTRIBUTE_TYPE_MAPPINGS, extension.EXTENSION_MAPPINGS
        ),
        [
            certificate.create_issuer_validator_container([]),
            certificate.create_validity_validator_container(),
            certificate.create_subject_validator_container([]),
            certificate.create_extensions_validator_container([]),
            certificate.create_spki_validator_container([]),
        ],
    )


def of_etsi(kind):
    return certificate.create_pkix_certificate_validator_container(
        etsi.create_decoding_validators(kind), etsi.create_validators(kind)
    )


def main():
    validators, types, findings = {}, {}, []
    load = loader.RFC5280CertificateDocumentLoader().load_der_document
    for one in json.load(sys.stdin):
        with open(one['file'], 'rb') as file:
            document = load(file.read(), one['file'])
        kind = etsi.determine_certificate_type(document) if one['rules'] == 'etsi' else None
        label = 'PKIX' if kind is None else kind.to_option_str
        if label not in validators:
            validators[label] = pkix() if kind is None else of_etsi(kind)
        types[label] = types.get(label, 0) + 1
        results = validators[label].validate(document.root)
        if kind is not None:
            results, _ = finding_filter.filter_results(
                etsi.create_etsi_finding_filters(kind), results
            )
        for result in results:
            for found in result.finding_descriptions:
                if found.finding.severity.name in FAULTS:
                    findings.append(
                        {
                            'file': one['file'],
                            'code': found.finding.code,
                            'severity': found.finding.severity.name,
                            'message': found.message,
                        }
                    )
    json.dump({'types': types, 'findings': findings}, sys.stdout)


main()
