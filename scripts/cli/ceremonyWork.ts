import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { signApproval } from '../../src/pki/ceremonyApproval.ts'
import { markdownOf } from '../../src/pki/ceremonyMarkdown.ts'
import { PlanError, readPlan, type ReadPlan } from '../../src/pki/ceremonyPlan.ts'
import { TranscriptError, verifyTranscript, type Verified } from '../../src/pki/ceremonyVerify.ts'
import type { Item } from './admin.ts'
import { ceremonyText, planText, verifiedText } from './ceremonyText.ts'
import { Failure } from './failure.ts'
import { printJson } from './print.ts'
import { text, type Options, type Session } from './verb.ts'

/** A token makes an RSA key of 4096 bits in up to a minute, and a ceremony several. */
const RUN_TIMEOUT_MS = 900_000

type Output = Session['output']

function print(output: Output, item: Item, shown: (item: Item) => string): void {
  if (output.json) printJson(output, item)
  else output.out.write(shown(item))
}

export async function submit(
  { admin, output }: Session,
  [file = '']: readonly string[],
  options: Options,
): Promise<void> {
  const octets = read(file)
  const plan = readIt(octets, file)
  if (!output.json) output.out.write(planText(plan))
  if (options['check'] === true) {
    if (output.json) printJson(output, { sha256: plan.sha256.toString('hex'), plan: plan.plan })
    return
  }
  const made = await admin.item('POST /ceremonies', { body: { plan: octets.toString('base64') } })
  const id = String(made['id'])
  print(
    output,
    made,
    () => `\nid ${id}\nSubmitted. Its approvers: intaglio ceremony approve ${id} --plan ${file}\n`,
  )
}

export async function show({ admin, output }: Session, [id = '']: readonly string[]): Promise<void> {
  const item = await admin.item('GET /ceremonies/:id', { params: { id } })
  print(output, item, (found) => `${planText(planOf(found))}\n${ceremonyText(found)}`)
}

/** What is signed is the hash of what was shown: the service cannot have another plan signed than the approver sees. */
export async function approve(
  { admin, output }: Session,
  [id = '']: readonly string[],
  options: Options,
): Promise<void> {
  const file = text(options, 'plan')
  const reviewed = file === undefined ? undefined : read(file)
  const item = await admin.item('GET /ceremonies/:id', { params: { id } })
  const plan = planOf(item)
  if (reviewed !== undefined && !reviewed.equals(Buffer.from(String(item['plan']), 'base64')))
    throw new Failure('refused', `The plan of this ceremony is not ${file ?? ''}: it is not approved.`)
  if (!output.json) output.out.write(planText(plan))
  const { privateKey } = admin.identity('POST /ceremonies/:id/approve')
  const signature = await signApproval(privateKey, { ceremony: id, plan: plan.sha256 })
  const made = await admin.item('POST /ceremonies/:id/approve', { params: { id }, body: { signature } })
  print(output, made, (found) => `\n${ceremonyText(found)}`)
}

export async function run(session: Session, [id = '']: readonly string[], options: Options): Promise<void> {
  const { admin } = session
  const files = newFiles(text(options, 'out') ?? `ceremony-${id}`)
  await admin.item('POST /ceremonies/:id/run', { params: { id }, body: {}, timeoutMs: RUN_TIMEOUT_MS })
  await saveTranscript(session, id, files)
}

interface Files {
  readonly json: string
  readonly markdown: string
}

/** Never over others: they may be somebody's only transcript. */
function newFiles(name: string): Files {
  const files = { json: `${name}.json`, markdown: `${name}.md` }
  const there = Object.values(files).find((file) => existsSync(file))
  if (there !== undefined) throw new Failure('usage', `${there} is there already.`)
  return files
}

async function saveTranscript({ admin, output }: Session, id: string, files: Files): Promise<void> {
  const { transcript } = await admin.item('GET /ceremonies/:id/transcript', { params: { id } })
  const octets = Buffer.from(String(transcript), 'base64')
  const verified = await checked(octets, files.json)
  write(files.json, octets)
  write(files.markdown, Buffer.from(markdownOf(verified)))
  const made = { transcript: files.json, markdown: files.markdown, signedBy: verified.signedBy }
  print(output, made, () => `${verifiedText(verified)}Wrote ${files.json} and ${files.markdown}.\n`)
}

export async function transcript(
  session: Session,
  [id = '']: readonly string[],
  options: Options,
): Promise<void> {
  await saveTranscript(session, id, newFiles(text(options, 'out') ?? `ceremony-${id}`))
}

export async function abandon(
  { admin, output }: Session,
  [id = '']: readonly string[],
  options: Options,
): Promise<void> {
  if (options['yes'] !== true) throw new Failure('usage', 'This cannot be undone: say --yes.')
  print(output, await admin.item('POST /ceremonies/:id/abandon', { params: { id } }), ceremonyText)
}

export async function verify(
  { output }: Session,
  [file = '']: readonly string[],
  options: Options,
): Promise<void> {
  const verified = await checked(read(file), file)
  const { signedBy, transcript } = verified
  const key = text(options, 'signedBy')
  if (key !== undefined && key !== signedBy)
    throw new Failure('refused', `${file}: it is signed by ${signedBy}.`)
  const known = text(options, 'approvedBy')?.split(',')
  const stranger = transcript.approvals.find(({ thumbprint }) => known?.includes(thumbprint) === false)
  if (stranger !== undefined)
    throw new Failure('refused', `${file}: ${stranger.name} approved with the key ${stranger.thumbprint}.`)
  const beside = file.replace(/\.json$/, '.md')
  const isBeside = beside !== file && existsSync(beside)
  if (isBeside && read(beside).toString('utf8') !== markdownOf(verified))
    throw new Failure('refused', `${beside} is not what ${file} says.`)
  const made = { signedBy, ceremony: transcript.ceremony, markdown: isBeside ? beside : undefined }
  print(output, made, () => verifiedText(verified))
}

async function checked(octets: Buffer, file: string): Promise<Verified> {
  try {
    return await verifyTranscript(octets)
  } catch (error) {
    if (error instanceof TranscriptError) throw new Failure('refused', `${file}: ${error.message}`)
    throw error
  }
}

function planOf(item: Item): ReadPlan {
  const octets = Buffer.from(String(item['plan']), 'base64')
  return readIt(octets, 'the plan of this ceremony', item['submittedBy'] === null)
}

function readIt(octets: Buffer, name: string, development = false): ReadPlan {
  try {
    return readPlan(octets, { development })
  } catch (error) {
    if (!(error instanceof PlanError)) throw error
    throw new Failure('usage', error.problems.map((problem) => `${name}: ${problem}`).join('\n'))
  }
}

function read(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException
    throw new Failure('usage', `${file} cannot be read (${code}).`)
  }
}

function write(file: string, octets: Buffer): void {
  try {
    writeFileSync(file, octets, { flag: 'wx' })
  } catch (error) {
    const { code = 'unwritable' } = error as NodeJS.ErrnoException
    throw new Failure('usage', `${file} cannot be written (${code}): get it by intaglio ceremony transcript.`)
  }
}
