import { contextRow, deleteEntry, namesOf, renameContext, useContext } from '../kubeconfig/entry-verbs.ts'
import { configFiles, configObject, mergedConfig } from '../kubeconfig/file.ts'
import { setProperty, unsetProperty } from '../kubeconfig/property-verbs.ts'
import { setCluster, setContext, setCredentials } from '../kubeconfig/set-verbs.ts'
import { flattened, minified, redacted } from '../kubeconfig/show.ts'
import { printerOf } from '../print/printer.ts'
import { alignRows } from '../print/tab-writer.ts'
import { ManyErrors, UsageError } from '../usage-error.ts'
import type { Verb, VerbGroup } from '../verb.ts'

const forms = 'go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,name,template,templatefile,yaml'

const view: Verb = {
  usage: '[flags]',
  flags: [
    'raw:bool',
    'flatten:bool',
    'minify:bool',
    'merge:bool=true',
    'output|o:string=yaml',
    'template:string',
    'allow-missing-template-keys:bool=true',
  ],
  run: async ({ session, flags, args }) => {
    if (args.length > 0) throw new UsageError(`unexpected arguments: [${args.join(' ')}]`, 1, true)
    const all = mergedConfig(configFiles(session))
    const some = flags.bool('minify') ? minified(all, session.connection.context) : all
    const whole = flags.bool('flatten') ? flattened(some) : some
    const shown = flags.bool('raw') || flags.bool('flatten') ? whole : redacted(whole)
    const output = flags.text('output') ?? 'yaml'
    if (output === 'json') session.write(`${JSON.stringify(configObject(shown), null, '    ')}\n`)
    else if (output === 'name') session.say('config/<unknown>')
    else session.write(printerOf(output, { forms })?.(configObject(shown)) ?? '')
    return 0
  },
}

const currentContext: Verb = {
  usage: '',
  flags: [],
  run: async ({ session }) => {
    const name = session.connection.context ?? mergedConfig(configFiles(session)).currentContext
    if (!name) throw new UsageError('current-context is not set')
    session.say(name)
    return 0
  },
}

const getContexts: Verb = {
  usage: '[(-o|--output=)name)]',
  flags: ['no-headers:bool', 'output|o:string'],
  run: async ({ session, flags, args }) => {
    const output = flags.text('output') ?? ''
    if (output !== '' && output !== 'name')
      throw new UsageError(`--output ${output} is not available in kubectl config get-contexts; resetting to default output format`)
    const { contexts, currentContext: current } = mergedConfig(configFiles(session))
    const names = args.length > 0 ? args : [...contexts.keys()]
    const known = names.filter((name) => contexts.has(name)).sort()
    if (output === 'name') for (const name of known) session.say(name)
    else {
      const rows = known.map((name) => contextRow(name, contexts.get(name) ?? {}, name === current))
      const header = ['CURRENT', 'NAME', 'CLUSTER', 'AUTHINFO', 'NAMESPACE']
      session.write(alignRows(flags.bool('no-headers') ? rows : [header, ...rows]))
    }
    const missing = names.filter((name) => !contexts.has(name)).map((name) => new UsageError(`context ${name} not found`))
    if (missing.length > 0) throw missing.length === 1 ? missing[0] : new ManyErrors(missing)
    return 0
  },
}

export const config: VerbGroup = {
  aliases: { use: 'use-context' },
  parts: {
    'current-context': currentContext,
    'delete-cluster': deleteEntry('clusters', 'cluster'),
    'delete-context': deleteEntry('contexts', 'context'),
    'delete-user': deleteEntry('users', 'user'),
    'get-clusters': namesOf('clusters'),
    'get-contexts': getContexts,
    'get-users': namesOf('users'),
    'rename-context': renameContext,
    set: setProperty,
    'set-cluster': setCluster,
    'set-context': setContext,
    'set-credentials': setCredentials,
    unset: unsetProperty,
    'use-context': useContext,
    view,
  },
}
