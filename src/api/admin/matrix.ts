import type { Role } from '../../../config/operators.ts'

/** TABLE of the admin face: endpoint × the roles that may call it. The command line reads it, too. */
export const matrix = {
  'GET /tokens': ['administrator', 'security-officer', 'auditor'],
  'GET /tokens/:name': ['administrator', 'security-officer', 'auditor'],
  'GET /tokens/:name/keys': ['administrator', 'security-officer', 'auditor'],
  'POST /tokens/:name/keys': ['security-officer'],
  'POST /tokens/:name/probe': ['administrator', 'security-officer'],

  'GET /keys': ['administrator', 'security-officer', 'auditor'],
  'GET /keys/:id': ['administrator', 'security-officer', 'auditor'],
  'POST /keys/:id/disable': ['security-officer'],
  'POST /keys/:id/enable': ['security-officer'],
  'POST /keys/:id/unlock': ['registration-officer', 'security-officer'],

  'GET /clients': ['administrator', 'security-officer', 'registration-officer', 'auditor'],
  'POST /clients': ['administrator'],
  'GET /clients/:id': ['administrator', 'security-officer', 'registration-officer', 'auditor'],
  'POST /clients/:id/disable': ['administrator', 'security-officer'],
  'POST /clients/:id/enable': ['administrator'],
  'POST /clients/:id/rotate-secret': ['administrator'],
  'POST /clients/:id/redirect-uris': ['administrator'],
  'POST /clients/:id/response-uris': ['administrator'],
  'POST /clients/:id/require-pushed': ['administrator'],
  'POST /clients/:id/creation-limit': ['administrator'],
  'GET /clients/:id/certificates': ['administrator', 'security-officer', 'registration-officer', 'auditor'],
  'POST /clients/:id/certificates': ['administrator'],
  'POST /clients/:id/certificates/:certificate/remove': ['administrator', 'security-officer'],
  'GET /clients/:id/keys': ['administrator', 'security-officer', 'registration-officer', 'auditor'],
  'POST /clients/:id/keys': ['administrator'],
  'POST /clients/:id/keys/:key/remove': ['administrator', 'security-officer'],

  'GET /issuers': ['administrator', 'security-officer', 'registration-officer', 'auditor'],
  'POST /issuers': ['security-officer'],
  'GET /issuers/:id': ['administrator', 'security-officer', 'registration-officer', 'auditor'],
  'POST /issuers/:id/rotate': ['security-officer'],
  'POST /issuers/:id/disable': ['security-officer'],
  'POST /issuers/:id/enable': ['security-officer'],

  // Personal data: those who register and revoke, and nobody else.
  'GET /persons': ['registration-officer', 'revocation-officer'],
  'POST /persons': ['registration-officer'],
  'GET /persons/:id': ['registration-officer', 'revocation-officer'],
  'POST /persons/:id/contact': ['registration-officer'],
  'POST /persons/:id/erase': ['registration-officer'],

  'GET /credentials': ['registration-officer', 'revocation-officer', 'security-officer', 'auditor'],
  'POST /credentials': ['registration-officer'],
  'GET /credentials/:id': ['registration-officer', 'revocation-officer', 'security-officer', 'auditor'],
  'POST /credentials/:id/link': ['registration-officer'],
  'POST /credentials/:id/disable': ['revocation-officer', 'security-officer'],
  'POST /credentials/:id/enable': ['registration-officer'],
  'POST /credentials/:id/unlock': ['registration-officer'],
  'POST /credentials/:id/send-codes': ['registration-officer'],
  'POST /credentials/:id/reset-second-factor': ['registration-officer'],

  // Subjects are personal data, too: those who register and revoke, and those who judge what they did.
  'GET /certificates': ['registration-officer', 'revocation-officer', 'auditor'],
  'POST /certificates': ['registration-officer'],
  'GET /certificates/:id': ['registration-officer', 'revocation-officer', 'auditor'],
  'POST /certificates/:id/renew': ['registration-officer'],
  'POST /certificates/:id/rekey': ['registration-officer'],

  'GET /checks/certificates': ['security-officer', 'auditor'],
  'GET /checks/lists': ['security-officer', 'auditor'],

  'GET /revocations': ['revocation-officer', 'security-officer', 'auditor'],
  'POST /revocations': ['revocation-officer', 'security-officer'],
  'GET /revocations/report': ['revocation-officer', 'security-officer', 'auditor'],

  'GET /deliveries': ['administrator', 'security-officer', 'auditor'],
  'GET /deliveries/:id': ['administrator', 'security-officer', 'auditor'],
  'POST /deliveries/:id/replay': ['administrator'],

  // Three people at least make an authority: who submits a plan does not approve it, and an auditor looks on.
  'GET /ceremonies': ['security-officer', 'administrator', 'auditor'],
  'POST /ceremonies': ['security-officer'],
  'GET /ceremonies/:id': ['security-officer', 'administrator', 'auditor'],
  'POST /ceremonies/:id/approve': ['security-officer', 'administrator'],
  'POST /ceremonies/:id/run': ['security-officer'],
  'POST /ceremonies/:id/abandon': ['security-officer'],
  'GET /ceremonies/:id/transcript': ['security-officer', 'administrator', 'auditor'],

  'GET /operators': ['security-officer', 'administrator', 'auditor'],
  'POST /operators': ['security-officer'],
  'GET /operators/:id': ['security-officer', 'administrator', 'auditor'],
  'POST /operators/:id/roles': ['security-officer'],
  'POST /operators/:id/disable': ['security-officer'],
  'GET /operators/:id/certificates': ['security-officer', 'administrator', 'auditor'],
  'POST /operators/:id/certificates': ['security-officer'],
  'POST /operators/:id/certificates/:certificate/remove': ['security-officer'],

  'GET /clock': ['administrator', 'security-officer', 'auditor'],
  'POST /clock/vouch': ['security-officer'],

  'GET /audit': ['auditor', 'security-officer'],
} as const satisfies Readonly<Record<string, readonly Role[]>>

export type EndpointName = keyof typeof matrix
