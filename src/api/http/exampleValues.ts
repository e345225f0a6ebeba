/**
 * What stands in examples for values of the reader's own. Each is found nowhere else in an example, so that a program can
 * put the right ones in, and each is of the form of what it stands for.
 */
export const example = {
  clientId: 'demo',
  clientSecret: 'Zr0dHfEJ3bCz1xwT8uQmLk5yVnA2sPg7iRoXe9tKqNc',
  userID: '0581d4a2-946c-4855-94c3-82f21e53abac',
  credentialID: '6a1b336592ff05d627ea75d0fc275c0c',
  /** One of mode oauth2code. */
  oauthCredentialID: 'b7d29e40f15c4a6883de01c9a2f4e675',
  /** One that may go. */
  spareCredentialID: 'd3c0a5e1b7f94268a0c4e8f2167b9d35',
  /** One whose holder is sent codes. */
  sentCodesCredentialID: 'f08e6b2d94c1a7350d8b6f2ce4719a30',
  pin: '48151623',
  SAD: 'q8mYV0l3n6bXWcP1hKz7TgR4sJd9uEaF2oQiBx5vM0w',
  /** Of a request that waits for its holder. */
  handle: 'a8oTiX3vYk6bCgHn4tKc9RzWm2yVxB7sLpQ0dGfJ5uE',
  /** Of one that waits to be signed. */
  requestID: '7d2b1c90-58e4-4f6a-9b37-c0a4e1f2d863',
  /** Of the key service; the secret is that of the key's holder. */
  keyId: 'did:web:issuer.example#key-1',
  spareKeyId: 'did:web:issuer.example:spare',
  secret: 'correct horse battery staple',
  /** Which that key is the holder's of. */
  sdJwt: 'eyJhbGciOiJFUzI1NiJ9.eyJjbmYiOnt9fQ.c2lnbmF0dXJl~WyJzYWx0IiwiYSIsMV0~',
  /** Which attests that key. */
  keyAttestation: 'eyJ0eXAiOiJrZXktYXR0ZXN0YXRpb24rand0In0.eyJleHAiOm51bGx9.YXR0ZXN0ZWQ',
  /** Of the VC API: who issues, and what was issued. */
  issuer: 'did:web:university.example',
  issuedCredentialId: 'urn:uuid:4f0c7d7e-2b1c-4a54-9d0e-6f5f5a2f4c11',
  jwtCredential: 'eyJhbGciOiJFUzI1NiJ9.eyJpc3N1ZXIiOiIifQ.ZXhhbXBsZQ',
  jwtPresentation: 'eyJhbGciOiJFUzI1NiJ9.eyJob2xkZXIiOiIifQ.ZXhhbXBsZQ',
  baseProof: 'u2V0AhVhAexampleOfABaseProof',
  accessToken: 'Hn4tKc9RzWm2yVxB7sLpQ0dGfJ5uEa8oTiX3vYk6bCg',
  refreshToken: 'pX3vYk6bCgHn4tKc9RzWm2yVxB7sLQ0dGfJ5uEa8oTi',
  redirectUri: 'https://client.example/back?app=1',
  code: 'yVxB7sLpQ0dGfJ5uEa8oTiX3vYk6bCgHn4tKc9RzWm2',
  codeVerifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
  codeChallenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWBuGJSstw-cM',
  requestUri: 'urn:ietf:params:oauth:request_uri:GfJ5uEa8oTiX3vYk6bCgHn4tKc9RzWm2yVxB7sLpQ0d',
} as const
export type ExampleName = keyof typeof example

/** What to put in their places. */
export const exampleMeanings: Readonly<Record<ExampleName, string>> = {
  clientId: 'your client_id',
  clientSecret: 'your client_secret',
  userID: 'the id of a person whose credentials are linked to you',
  credentialID: 'the id of a credential that is linked to you',
  oauthCredentialID: 'the id of a credential of mode oauth2code that is linked to you',
  spareCredentialID: 'the id of a credential that you will not need any more',
  sentCodesCredentialID: 'the id of a credential whose holder is sent codes',
  pin: "the PIN of the credential's holder",
  SAD: 'a SAD of credentials/authorize over the same hashes, or an access token of the scope credential',
  handle: 'what credentials/authorize answered',
  requestID: 'the responseID that signHash answered',
  keyId: 'the id of a key of yours',
  spareKeyId: 'the id of a key that you will not need any more',
  secret: "a secret that the key's holder has",
  sdJwt: 'an SD-JWT that was issued to the holder of that key, with the disclosures to be shown',
  keyAttestation: 'what /keys/attest answered for that key',
  issuer: 'the DID of an issuer of yours',
  issuedCredentialId: 'the id of a credential that was issued with entries in both status lists',
  jwtCredential: 'a credential that was issued in the format jwt',
  jwtPresentation: 'what its holder made of that credential, for this challenge and domain',
  baseProof: 'the proofValue of this credential as it was issued',
  accessToken: 'an access token',
  refreshToken: 'a refresh token',
  redirectUri: 'a redirect URI that is registered for you',
  code: 'the code that the browser brought back',
  codeVerifier: 'your code_verifier',
  codeChallenge: 'the SHA-256 of your code_verifier in base64url',
  requestUri: 'what pushed_authorize answered',
}

/** SHA-256 of a document, in base64; any will do. */
export const EXAMPLE_HASH = 'v8dN3M9dD7Bb2MIhUrMNen/CAWAED1LxlLguI3rmH7k='
