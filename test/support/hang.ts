import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A request that the service has begun and whose body never comes: under way for as long as the client likes. */
export async function hang(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  socket.write('POST /enrol HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n')
  // "100 Continue": the service has the request, and asks for the body.
  await once(socket, 'data')
  socket.resume()
  return socket
}
