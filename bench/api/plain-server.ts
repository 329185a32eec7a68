import { type ApiServer, type ApiServerOptions, noNodes, startApiServer } from '@skiff/apiserver'

/** An API server on a free port of the loopback address, with its certificates in `dir`. */
export const startPlainServer = (
  dir: string,
  { store, env, ...more }: Pick<ApiServerOptions, 'store' | 'env'> & Partial<ApiServerOptions>,
): Promise<ApiServer> =>
  startApiServer({
    store,
    env,
    pkiDir: `${dir}/pki`,
    host: '127.0.0.1',
    port: 0,
    advertiseAddress: '127.0.0.1',
    serviceCidr: '10.96.0.0/16',
    nodes: noNodes,
    ...more,
  })
