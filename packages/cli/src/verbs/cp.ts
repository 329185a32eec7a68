import { createReadStream, createWriteStream, existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync } from 'node:fs'
import { basename, dirname, join, posix, relative, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { openExec } from '@skiff/client'
import { extract, type Header, type Pack, pack } from 'tar-stream'
import { containerOf, podOf } from '../pods/find-pod.ts'
import { UsageError } from '../usage-error.ts'
import type { Invocation, Verb } from '../verb.ts'
import { tellExit } from './exec.ts'

interface Place {
  readonly pod: string
  readonly namespace: string | undefined
  readonly path: string
}

/** `[[namespace/]pod:]path`. */
const placeOf = (word: string): Place => {
  const colon = word.indexOf(':')
  if (colon < 0) return { pod: '', namespace: undefined, path: word }
  const [who, path] = [word.slice(0, colon).split('/'), word.slice(colon + 1)]
  const [first = '', second] = who
  if (colon === 0 || who.length > 2) throw new UsageError('filespec must match the canonical format: [[namespace/]pod:]file/path')
  return second === undefined ? { namespace: undefined, pod: first, path } : { namespace: first, pod: second, path }
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
    return to.pod ? upload(invocation, from.path, to) : download(invocation, from, to.path)
  },
}

const start = async ({ session, flags }: Invocation, place: Place, command: readonly string[], stdin: boolean, quiet = false) => {
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
    container: flags.text('container') || containerOf(session, pod, undefined, quiet),
    command,
    streams: { stdin, stdout: true, stderr: true, tty: false },
    env: session.env,
  })
}

/** Of folders only empty ones have an entry of their own: the others come into being with what is in them. */
const addTree = async (tar: Pack, path: string, name: string): Promise<void> => {
  const stat = lstatSync(path)
  const about = { name, mode: stat.mode & 0o7777, mtime: stat.mtime, uid: stat.uid, gid: stat.gid }
  if (stat.isDirectory()) {
    const entries = readdirSync(path).sort()
    if (entries.length === 0) tar.entry({ ...about, name: `${name}/`, type: 'directory' })
    for (const entry of entries) await addTree(tar, join(path, entry), posix.join(name, entry))
  } else if (stat.isSymbolicLink()) tar.entry({ ...about, type: 'symlink', linkname: readlinkSync(path) })
  else if (stat.isFile()) await pipeline(createReadStream(path), tar.entry({ ...about, size: stat.size }))
}

const upload = async (invocation: Invocation, source: string, to: Place): Promise<number> => {
  const { session, flags } = invocation
  if (!existsSync(source)) throw new UsageError(`${source} doesn't exist in local filesystem`)
  const isFolder = await start(invocation, to, ['test', '-d', to.path], false, true).then(async (test) => {
    test.stdout.resume()
    test.stderr.resume()
    return (await test.exit).code === 0
  })
  const target = posix.normalize(isFolder ? posix.join(to.path, basename(resolve(source))) : to.path).replace(/(?<=.)\/$/, '')
  const folder = posix.dirname(target)
  const asTheirs = flags.bool('no-preserve') ? ['--no-same-permissions', '--no-same-owner'] : []
  const client = await start(invocation, to, ['tar', ...asTheirs, '-xmf', '-', ...(folder === '.' ? [] : ['-C', folder])], true)
  client.stdout.pipe(session.deps.stdout, { end: false })
  client.stderr.pipe(session.deps.stderr, { end: false })
  const tar = pack()
  const sent = pipeline(tar, client.stdin).catch(() => {}) // the exit tells why
  const packed = addTree(tar, source, posix.basename(target))
    .then(() => tar.finalize())
    .catch((error: NodeJS.ErrnoException) => {
      tar.destroy()
      if (error.path !== undefined) throw error // of a file here; all else is the far side's, whose exit tells more
    })
  await Promise.race([packed, client.exit]) // a far side that gave up reads no more
  await Promise.race([sent, client.exit])
  return tellExit(session, await client.exit)
}

const download = async (invocation: Invocation, from: Place, to: string): Promise<number> => {
  const { session } = invocation
  const client = await start(invocation, from, ['tar', 'cf', '-', from.path], false)
  client.stderr.pipe(session.deps.stderr, { end: false })
  const reader = extract()
  const into = intoFolder(invocation, from, to)
  reader.on('entry', (header, stream, next) => {
    into(header, stream as unknown as Readable).then(
      (isRead) => {
        if (isRead) return next()
        stream.on('end', next)
        stream.resume()
      },
      (error: Error) => reader.destroy(error),
    )
  })
  try {
    await pipeline(client.stdout, reader)
  } catch (error) {
    client.close()
    throw error
  }
  return tellExit(session, await client.exit)
}

/** The archive's names begin with the path that was asked for, without what leads out of its root. */
const prefixOf = (path: string): string => posix.normalize(path.replace(/\/+$/, '').replace(/^\/+/, '')).replace(/^(?:\.\.?(?:\/|$))+/, '')

/** Writes entries below `to`: files and folders, and nothing outside of it. Links are told of and left out. Says whether it has read the stream. */
const intoFolder = ({ session }: Invocation, from: Place, to: string) => {
  const prefix = prefixOf(from.path)
  return async (header: Header, stream: Readable): Promise<boolean> => {
    if (!header.name.startsWith(prefix)) throw new UsageError('tar contents corrupted')
    const path = join(to, header.name.slice(prefix.length))
    const inside = relative(to, path)
    if (inside === '..' || inside.startsWith('../')) {
      session.complain(`warning: file ${JSON.stringify(path)} is outside target destination, skipping`)
      return false
    }
    mkdirSync(dirname(path), { recursive: true })
    if (header.type === 'directory') mkdirSync(path, { recursive: true })
    else if (header.type === 'symlink') {
      const instead = `${session.deps.name ?? 'kubectl'} exec -n ${JSON.stringify(from.namespace ?? '')} ${JSON.stringify(from.pod)} -- tar cf - ${JSON.stringify(from.path)} | tar xf -`
      session.complain(
        `warning: skipping symlink: ${JSON.stringify(path)} -> ${JSON.stringify(header.linkname)} (consider using "${instead}")`,
      )
    } else {
      await pipeline(stream, createWriteStream(path))
      return true
    }
    return false
  }
}
