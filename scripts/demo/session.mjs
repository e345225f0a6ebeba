/** What ends the demo with a sentence. */
export class Failure extends Error {}

/** Requests of one client, each printed as the curl line that does the same. */
export class Session {
  #demo
  /** Shell variables that stand for secrets in the printed lines. */
  secrets = {}

  constructor(demo) {
    this.#demo = demo
  }

  title(text) {
    console.log(`\n${text}`)
  }

  /** A form, authenticated as the client: the token endpoint's way (RFC 6749, 2.3.1). */
  async form(path, fields) {
    const { clientId, clientSecret } = this.#demo
    const data = Object.entries(fields).map(([name, value]) => `-d ${name}=${value}`)
    this.#print([`-u '${clientId}:'"$CLIENT_SECRET"`, ...data], path)
    const basic = [clientId, clientSecret].map(encodeURIComponent).join(':')
    return this.#send(path, {
      headers: { Authorization: `Basic ${Buffer.from(basic).toString('base64')}` },
      body: new URLSearchParams(fields),
    })
  }

  /** JSON with the access token: every CSC method. */
  async post(path, body) {
    const headers = ['-H "Authorization: Bearer $TOKEN"', "-H 'Content-Type: application/json'"]
    this.#print([...headers, `-d '${this.#masked(JSON.stringify(body))}'`], path)
    return this.#send(path, {
      headers: { Authorization: `Bearer ${this.secrets.TOKEN}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    })
  }

  #print(parts, path) {
    console.log(`$ curl -s ${[...parts, this.#demo.baseUrl + path].join(' ')}`)
  }

  /** Closes the single quotes around a variable, so that the shell fills it in. */
  #masked(text) {
    return Object.entries(this.secrets).reduce(
      (line, [name, value]) => line.replaceAll(JSON.stringify(value), `"'"$${name}"'"`),
      text,
    )
  }

  async #send(path, init) {
    const url = this.#demo.baseUrl + path
    const response = await fetch(url, { method: 'POST', ...init }).catch((error) => {
      throw new Failure(
        `Nothing answers at ${this.#demo.baseUrl} (${error.cause?.code ?? error.message}). ` +
          'Run npm start in another terminal first.',
      )
    })
    const text = await response.text()
    if (!response.ok) throw new Failure(`${path} answered ${response.status}: ${text}`)
    return JSON.parse(text)
  }
}
