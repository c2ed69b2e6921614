import { Client } from 'pg';

/** An activity of the shop's own. */
export async function closeOrder(orderId: string): Promise<void> {
  const client = new Client(process.env['SHOP_DATABASE_URL']);
  await client.connect();
  await client.query(`update orders set status = 'shipped', closed_at = now() where id = $1`, [orderId]);
  await client.end();
}
