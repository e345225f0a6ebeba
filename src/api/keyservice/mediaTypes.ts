import type { Format } from '../../credentials/formats/format.ts'

export type Signed = 'vc' | 'vp' | 'pop'

const JSON_TYPES = ['application/ld+json', 'application/json'] as const

/** TABLE of the media types that what is signed may have; the general ones, by which it may be asked for, last. */
export const mediaTypes: Readonly<Record<Signed, Readonly<Record<Format['name'], readonly string[]>>>> = {
  vc: {
    jwt: ['application/vc+jwt', 'application/jwt'],
    'data-integrity': ['application/vc', ...JSON_TYPES],
    'sd-jwt': ['application/vc+sd-jwt', 'application/dc+sd-jwt', 'application/sd-jwt'],
    cose: ['application/vc+cose', 'application/cose'],
  },
  vp: {
    jwt: ['application/vp+jwt', 'application/jwt'],
    'data-integrity': ['application/vp', ...JSON_TYPES],
    'sd-jwt': [
      'application/vp+sd-jwt',
      'application/dc+sd-jwt',
      'application/vc+sd-jwt',
      'application/sd-jwt',
    ],
    cose: ['application/vp+cose', 'application/cose'],
  },
  pop: {
    jwt: ['application/openid4vci-proof+jwt', 'application/jwt'],
    'data-integrity': ['application/vp', ...JSON_TYPES],
    'sd-jwt': ['application/sd-jwt'],
    cose: ['application/cose'],
  },
}

/** What something of a media type may be called as well (RFC 6839, 3.1; RFC 8392 and RFC 7519 for their own). */
export function generalOf(mediaType: string): readonly string[] {
  const suffix = /\+(jwt|sd-jwt|cose)$/.exec(mediaType)?.[1]
  if (suffix !== undefined) return [mediaType, `application/${suffix}`]
  return mediaType === 'application/vc' || mediaType === 'application/vp'
    ? [mediaType, ...JSON_TYPES]
    : [mediaType]
}
