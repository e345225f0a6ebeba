/**
 * TABLE of what verifying may find wrong, in whichever format: a name, the last segment of an RFC 9457 problem's type, and what
 * it says. What is wrong with a member of the data model is named `invalid-` and the member (dataModel.ts).
 */
export const problemNames = {
  'signature-invalid': 'The signature is not that of the key over what is there.',
  'algorithm-not-allowed': 'The algorithm is not one of those that the key is for.',
  'cryptosuite-unknown': 'The cryptosuite of a proof is not known here.',
  'key-unknown': 'Nobody knows the key for this purpose.',
  'key-not-trusted':
    'A key or certificate that comes with the signature is not the one that its controller has.',
  'issuer-mismatch': 'The issuer is not the controller of the key.',
  'holder-mismatch': 'The holder is not the controller of the key.',
  'challenge-mismatch': 'It was not made for this challenge.',
  'domain-mismatch': 'It was not made for this domain.',
  'purpose-mismatch': 'A proof has another purpose.',
  'context-mismatch': 'A proof was made under other contexts.',
  'claims-differ': 'A claim says something else than the member that it stands for.',
  'claim-not-allowed': 'A claim stands where it must not, or is concealed where it must not be.',
  'type-not-allowed': 'It is of a type, or of a kind, that was not asked for.',
  'not-yet-valid': 'It is not valid yet.',
  expired: 'It is valid no more.',
  'proof-not-yet-valid': 'A proof was made in the future.',
  'proof-expired': 'A proof is good no more.',
  'proof-missing': 'There is no proof.',
  'base-proof': 'A proof is for the holder, who derives from it what a verifier can judge.',
  'proof-malformed': 'A proof is not written as proofs are.',
  'previous-proof-unknown':
    'The proof that another one comes after is not there, or cannot be told from others.',
  'key-binding-missing': 'Nobody shows that he is its holder.',
  'key-binding-invalid': 'The key binding is not good.',
  'disclosure-invalid': 'A disclosure is not one of what was signed.',
  'not-canonicalizable':
    'It has no canonical form: a term or a context is not known, or it is made to cost time.',
  malformed: 'It is not written as its format has it.',
  'header-not-supported': 'A header says that something must be understood that is not.',
  'too-many': 'There are more of something than are looked at.',
  'too-deep': 'An envelope stands in an envelope.',
  'not-verified': 'Nothing here verifies it.',
  revoked: 'The credential was revoked.',
  suspended: 'The credential is suspended.',
  'status-unknown': 'Its status cannot be known here.',
  'status-malformed': 'Its status is not written as the standard has it.',
  'status-list-invalid': 'The status list that it names is not good.',
  'status-list-expired': 'The status list that it names is good no more.',
  'status-list-too-short': 'The status list that it names has fewer entries than any may have.',
  'status-issuer-mismatch': "The status list that it names is somebody else's than its issuer's.",
  'status-purpose-mismatch': 'The status list that it names is about something else.',
  'status-index-unknown': 'The status list that it names has no such entry.',
} as const

const titles: Readonly<Partial<Record<string, string>>> = problemNames

/** What a name says; those of the data model's members all say the same. */
export const titleOf = (name: string): string =>
  (Object.hasOwn(titles, name) ? titles[name] : undefined) ?? 'A member is not as the data model has it.'
