import { resolve } from 'node:path'
import { Command, CommanderError } from 'commander'
import { version } from '../../src/version.ts'
import { Admin } from './admin.ts'
import { addAuditCommands } from './commands/audit.ts'
import { addCeremonyCommands } from './commands/ceremonies.ts'
import { addCertificateCommands } from './commands/certificates.ts'
import { addListCommands } from './commands/checks.ts'
import { addClientCommands } from './commands/clients.ts'
import { addClockCommands } from './commands/clock.ts'
import { addCredentialCommands } from './commands/credentials.ts'
import { addDeliveryCommands } from './commands/deliveries.ts'
import { addIssuedCommands } from './commands/issued.ts'
import { addIssuerCommands } from './commands/issuers.ts'
import { addKeyCommands } from './commands/keys.ts'
import { addOperatorCommands } from './commands/operators.ts'
import { addPersonCommands } from './commands/persons.ts'
import { addRevocationCommands } from './commands/revocations.ts'
import { addTokenCommands } from './commands/tokens.ts'
import { exitCodes, Failure } from './failure.ts'
import { text, type Open } from './verb.ts'

const HELP = `
Who and where:
  Requests are signed with your own key file: --operator, INTAGLIO_OPERATOR, or the first file
  in $INTAGLIO_HOME/operators whose roles suffice. The service is --url, INTAGLIO_URL, what the
  key file says, or the development service of this directory.
  By TLS: --ca, --certificate and --key, or INTAGLIO_CA, INTAGLIO_CERTIFICATE and INTAGLIO_KEY.
Exit status: 0 done, 1 refused, 2 wrong usage, 3 service not reachable or not available.`

/** The command line: a client of /admin/v1, and of nothing else. */
const program = new Command('intaglio')
  .description('Administers an Intaglio signing service')
  .version(version)
  .option('--operator <file>', 'your key file')
  .option('--url <url>', 'base URL of the service')
  .option('--ca <file>', "PEM: whose certificate the service has; the system's authorities if absent")
  .option('--certificate <file>', 'PEM: your certificate, where the service requires one')
  .option('--key <file>', 'PEM: its key')
  .option('--json', 'print JSON')
  .addHelpText('after', HELP)
  .exitOverride()

const open: Open = (command) => {
  const options = command.optsWithGlobals<Record<string, string | boolean | undefined>>()
  const home = resolve(process.env['INTAGLIO_HOME'] ?? '.local')
  const admin = new Admin({
    operatorFile: text(options, 'operator') ?? process.env['INTAGLIO_OPERATOR'],
    url: text(options, 'url') ?? process.env['INTAGLIO_URL'],
    home,
    connection: {
      ca: text(options, 'ca') ?? process.env['INTAGLIO_CA'],
      certificate: text(options, 'certificate') ?? process.env['INTAGLIO_CERTIFICATE'],
      key: text(options, 'key') ?? process.env['INTAGLIO_KEY'],
    },
  })
  return { admin, home, output: { json: options['json'] === true, out: process.stdout, err: process.stderr } }
}

addTokenCommands(program, open)
addKeyCommands(program, open)
addCertificateCommands(addClientCommands(program, open), { owners: 'clients', open })
addIssuerCommands(program, open)
addPersonCommands(program, open)
addCredentialCommands(program, open)
addCertificateCommands(addOperatorCommands(program, open), { owners: 'operators', open })
addIssuedCommands(program, open)
addRevocationCommands(program, open)
addListCommands(program, open)
addDeliveryCommands(program, open)
addCeremonyCommands(program, open)
addClockCommands(program, open)
addAuditCommands(program, open)

try {
  await program.parseAsync(process.argv)
} catch (error) {
  process.exitCode = explained(error)
}

function explained(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  if (!(error instanceof Failure)) throw error
  process.stderr.write(`${error.message}\n`)
  return error.exitCode
}
