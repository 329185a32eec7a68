import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { JsonObject } from '@skiff/machinery'
import type { Flags } from '../flags.ts'
import { UsageError } from '../usage-error.ts'
import type { Verb } from '../verb.ts'
import { type Changes, changed, oneName, store } from './change.ts'
import { configFiles } from './file.ts'

const said = (flags: Flags, names: readonly string[]): Changes =>
  Object.fromEntries(names.filter((name) => flags.has(name)).map((name) => [name, flags.text(name) ?? '']))

/** A file's path, or its content where it is to be embedded. */
const fileChange = (flags: Flags, name: string): Changes => {
  if (!flags.has(name)) return {}
  const path = flags.text(name) ?? ''
  if (path === '') return { [name]: undefined, [`${name}-data`]: undefined }
  if (!flags.bool('embed-certs')) return { [name]: resolve(path), [`${name}-data`]: undefined }
  if (!existsSync(path)) throw new UsageError(`could not stat ${name} file ${path}: stat ${path}: no such file or directory`)
  return { [name]: undefined, [`${name}-data`]: readFileSync(path).toString('base64') }
}

export const setCluster: Verb = {
  usage:
    'NAME [--server=server] [--certificate-authority=path/to/certificate/authority] [--insecure-skip-tls-verify=true] [--tls-server-name=example.com]',
  flags: [
    ...['server|s:string', 'tls-server-name:string', 'insecure-skip-tls-verify:bool', 'certificate-authority:string'],
    ...['embed-certs:bool', 'proxy-url:string', 'disable-compression:bool'],
  ],
  run: async (invocation) => {
    const { session, flags } = invocation
    const name = oneName(invocation)
    if (flags.bool('insecure-skip-tls-verify') && flags.text('certificate-authority'))
      throw new UsageError('you cannot specify a certificate authority and insecure mode at the same time')
    if (flags.bool('embed-certs') && !flags.text('certificate-authority'))
      throw new UsageError('you must specify a --certificate-authority to embed')
    const insecure: Changes = flags.bool('insecure-skip-tls-verify')
      ? { 'insecure-skip-tls-verify': true, 'certificate-authority': undefined, 'certificate-authority-data': undefined }
      : flags.has('insecure-skip-tls-verify')
        ? { 'insecure-skip-tls-verify': undefined }
        : {}
    const authority = fileChange(flags, 'certificate-authority')
    const changes: Changes = {
      ...said(flags, ['server', 'tls-server-name', 'proxy-url']),
      ...(flags.has('disable-compression') ? { 'disable-compression': flags.bool('disable-compression') } : {}),
      ...(flags.text('certificate-authority') ? { 'insecure-skip-tls-verify': undefined } : {}),
      ...authority,
      ...insecure,
    }
    store(invocation, 'clusters', name, (entry) => changed(entry, changes))
    session.say(`Cluster ${JSON.stringify(name)} set.`)
    return 0
  },
}

export const setContext: Verb = {
  usage: '[NAME | --current] [--cluster=cluster_nickname] [--user=user_nickname] [--namespace=namespace]',
  flags: ['current:bool', 'cluster:string', 'user:string', 'namespace|n:string'],
  run: async (invocation) => {
    const { session, flags, args } = invocation
    if (args.length > 1) throw new UsageError(`Unexpected args: [${args.join(' ')}]`)
    if (args.length === 1 && flags.bool('current')) throw new UsageError('you cannot specify both a context name and --current')
    if (args.length === 0 && !flags.bool('current')) throw new UsageError('you must specify a non-empty context name or --current')
    const current = configFiles(session).find(({ document }) => document.currentContext !== '')?.document.currentContext
    const name = args[0] ?? current
    if (!name) throw new UsageError('no current context is set')
    const existed = store(invocation, 'contexts', name, (entry) => changed(entry, said(flags, ['cluster', 'user', 'namespace'])))
    session.say(`Context ${JSON.stringify(name)} ${existed ? 'modified' : 'created'}.`)
    return 0
  },
}

const execChanges = (flags: Flags, entry: JsonObject): Changes => {
  if (!['exec-command', 'exec-api-version', 'exec-arg', 'exec-env'].some((name) => flags.has(name))) return {}
  const old = (entry.exec ?? {
    args: null,
    command: '',
    env: null,

    provideClusterInfo: false,
  }) as JsonObject
  const args = flags.list('exec-arg').flatMap((each) => each.split(','))
  const env = flags.list('exec-env').map((text) => ({ name: text.slice(0, text.indexOf('=')), value: text.slice(text.indexOf('=') + 1) }))
  return {
    exec: {
      ...old,
      ...(flags.has('exec-command') ? { command: flags.text('exec-command') as string } : {}),
      ...(flags.has('exec-api-version') ? { apiVersion: flags.text('exec-api-version') as string } : {}),
      ...(args.length > 0 ? { args } : {}),
      ...(env.length > 0 ? { env } : {}),
    },
  }
}

export const setCredentials: Verb = {
  usage:
    'NAME [--client-certificate=path/to/certfile] [--client-key=path/to/keyfile] [--token=bearer_token] [--username=basic_user] [--password=basic_password]',
  flags: [
    ...['client-certificate:string', 'client-key:string', 'token:string', 'username:string', 'password:string', 'embed-certs:bool'],
    ...[
      'exec-command:string',
      'exec-api-version:string',
      'exec-arg:array',
      'exec-env:array',
      'auth-provider:string',
      'auth-provider-arg:array',
    ],
  ],
  run: async (invocation) => {
    const { session, flags } = invocation
    const name = oneName(invocation)
    const basic = flags.text('username') || flags.text('password')
    if (flags.text('token') && basic)
      throw new UsageError('you cannot specify more than one authentication method at the same time: --token, --username/--password')
    if (flags.bool('embed-certs') && !flags.text('client-certificate') && !flags.text('client-key'))
      throw new UsageError('you must specify a --client-certificate or --client-key to embed')
    const changes: Changes = {
      ...fileChange(flags, 'client-certificate'),
      ...fileChange(flags, 'client-key'),
      ...said(flags, ['token', 'username', 'password']),
      // One way to prove who one is takes the place of the other.
      ...(flags.text('token') ? { username: undefined, password: undefined } : {}),
      ...(basic ? { token: undefined, tokenFile: undefined } : {}),
    }
    store(invocation, 'users', name, (entry) => changed(entry, { ...changes, ...execChanges(flags, entry) }))
    session.say(`User ${JSON.stringify(name)} set.`)
    return 0
  },
}
