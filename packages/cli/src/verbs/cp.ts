import { createReadStream, createWriteStream, lstatSync, mkdirSync, readdirSync } from 'node:fs'
import { basename, dirname, join, normalize, posix } from 'node:path'
import { text as readText } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { openExec } from '@skiff/client'
import { extract, type Pack, pack } from 'tar-stream'
import { containerOf, podOf } from '../pods/find-pod.ts'
import { UsageError } from '../usage-error.ts'
import type { Invocation, Verb } from '../verb.ts'

interface Place {
  readonly pod: string
  readonly namespace: string | undefined
  readonly path: string
}

/** `[namespace/]pod:path`, or a local path. */
const placeOf = (word: string): Place => {
  const colon = word.indexOf(':')
  if (colon <= 0 || word.startsWith('/') || word.startsWith('./') || word.startsWith('../'))
    return { pod: '', namespace: undefined, path: word }
  const [who, path] = [word.slice(0, colon), word.slice(colon + 1)]
  const slash = who.indexOf('/')
  return slash < 0 ? { pod: who, namespace: undefined, path } : { namespace: who.slice(0, slash), pod: who.slice(slash + 1), path }
}

export const cp: Verb = {
  usage: '<file-spec-src> <file-spec-dest>',
  flags: ['container|c:string', 'no-preserve:bool', 'retries:int'],
  run: async (invocation) => {
    const { args } = invocation
    if (args.length !== 2) throw new UsageError('source and destination are required')
    const [from, to] = [placeOf(args[0] as string), placeOf(args[1] as string)]
    if (from.pod && to.pod) throw new UsageError('one of src or dest must be a local file specification')
    if (!from.pod && !to.pod) throw new UsageError('one of src or dest must be a remote file specification')
    if (from.path === '' || to.path === '') throw new UsageError('filepath can not be empty')
    await (to.pod ? upload(invocation, from.path, to) : download(invocation, from, to.path))
    return 0
  },
}

const start = async ({ session, flags }: Invocation, place: Place, command: readonly string[], stdin: boolean) => {
  const { http, client } = await session.connect()
  const pod = place.namespace
    ? ((await client.get(
        { group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true },
        { namespace: place.namespace, name: place.pod },
      )) as never)
    : await podOf(session, place.pod)
  const { metadata } = pod as { metadata: { namespace?: string; name: string } }
  return openExec({
    connect: http.webSockets,
    namespace: metadata.namespace ?? '',
    pod: metadata.name,
    container: flags.text('container') || containerOf(session, pod, undefined),
    command,
    streams: { stdin, stdout: true, stderr: true, tty: false },
    env: session.env,
  })
}

const addTree = async (tar: Pack, path: string, name: string): Promise<void> => {
  const stat = lstatSync(path)
  if (stat.isDirectory()) {
    tar.entry({ name: `${name}/`, type: 'directory', mode: stat.mode, mtime: stat.mtime })
    for (const entry of readdirSync(path)) await addTree(tar, join(path, entry), posix.join(name, entry))
  } else if (stat.isFile()) {
    const entry = tar.entry({ name, size: stat.size, mode: stat.mode, mtime: stat.mtime })
    await pipeline(createReadStream(path), entry)
  }
}

/** What the far side says besides its output. */
const finish = async (exit: Promise<{ code: number; message?: string }>, errors: Promise<string>): Promise<void> => {
  const { code, message } = await exit
  const said = await errors.catch(() => '')
  if (code !== 0) throw new UsageError(said.trim() || message || `command terminated with exit code ${code}`)
}

const upload = async (invocation: Invocation, source: string, to: Place): Promise<void> => {
  try {
    lstatSync(source)
  } catch {
    throw new UsageError(`${source} doesn't exist in local filesystem`)
  }
  const isFolder = await start(invocation, to, ['test', '-d', to.path], false).then(async (test) => {
    test.stdout.resume()
    test.stderr.resume()
    return (await test.exit).code === 0
  })
  const target = isFolder ? posix.join(to.path, basename(source)) : to.path
  const folder = posix.dirname(target)
  const client = await start(invocation, to, ['tar', '-xmf', '-', ...(folder === '.' ? [] : ['-C', folder])], true)
  const errors = readText(client.stderr)
  client.stdout.resume()
  const tar = pack()
  const sent = pipeline(tar, client.stdin).catch(() => {}) // the exit tells why
  await addTree(tar, source, posix.basename(target))
  tar.finalize()
  await sent
  await finish(client.exit, errors)
}

const download = async (invocation: Invocation, from: Place, to: string): Promise<void> => {
  const source = posix.normalize(from.path).replace(/\/$/, '')
  const client = await start(invocation, from, ['tar', 'cf', '-', source], false)
  const errors = readText(client.stderr)
  const prefix = source.replace(/^\/+/, '')
  const existing = isFolder(to) ? join(to, basename(prefix)) : to
  const reader = extract()
  let entries = 0
  reader.on('entry', (header, stream, next) => {
    entries += 1
    const name = normalize(header.name).replace(/\/$/, '').replace(/^\/+/, '')
    const inside = name === prefix ? '' : name.startsWith(`${prefix}/`) ? name.slice(prefix.length + 1) : undefined
    // A path that leaves the target would let a container write anywhere here.
    if (inside === undefined || inside.split('/').includes('..') || (header.type !== 'file' && header.type !== 'directory')) {
      stream.resume()
      stream.on('end', next)
      return
    }
    const path = join(existing, inside)
    if (header.type === 'directory') {
      mkdirSync(path, { recursive: true })
      stream.resume()
      stream.on('end', next)
      return
    }
    mkdirSync(dirname(path), { recursive: true })
    pipeline(stream, createWriteStream(path, { mode: (header.mode ?? 0o644) & 0o777 })).then(() => next(), next)
  })
  await pipeline(client.stdout, reader)
  await finish(client.exit, errors)
  if (entries === 0) throw new UsageError(`${from.path} no such file or directory`)
}

const isFolder = (path: string): boolean => {
  try {
    return lstatSync(path).isDirectory()
  } catch {
    return false
  }
}
