import { type Client, chooseConnection, connect, overHttp, readKubeconfigs } from '@skiff/client'
import type { Place } from './place.ts'

/** Speaks to a cluster's server as its administrator. */
export const adminClient = async (place: Place): Promise<Client> => {
  const { http } = await chooseConnection(readKubeconfigs([place.kubeconfig]), {})
  return connect(overHttp(http), { name: 'kubernetes-admin', groups: ['system:masters'] }, 'skiff')
}
