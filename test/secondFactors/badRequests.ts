import { digest } from '../csc/client.ts'

const MISSING = 'Missing (or invalid type)'

/** Changes to a good request for an approval out of band, and what is said to them. */
export const badRequests: readonly [Record<string, unknown>, string][] = [
  [{ numSignatures: 0 }, 'Invalid value for parameter numSignatures'],
  [{ numSignatures: 11 }, 'Numbers of signatures is too high'],
  [{ hashes: undefined }, `${MISSING} array parameter hash`],
  [{ hashes: [] }, 'Empty hash array'],
  [{ hashes: ['*'] }, 'Invalid Base64 hash string parameter'],
  [{ hashes: [digest('x', 'sha384')] }, 'Invalid digest value length'],
  [{ hashAlgorithmOID: undefined }, `${MISSING} string parameter hashAlgorithmOID`],
  [{ hashAlgorithmOID: '1.2.3' }, 'Invalid parameter hashAlgorithmOID'],
  [{ description: 'x'.repeat(501) }, 'Invalid parameter description'],
]
