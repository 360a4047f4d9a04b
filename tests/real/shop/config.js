// A Vendure shop in memory: nothing survives the process.
const { DefaultJobQueuePlugin, DefaultLogger, LogLevel, dummyPaymentHandler } = require('@vendure/core');

module.exports.config = {
  apiOptions: { port: Number(process.env.PORT), hostname: '127.0.0.1', adminApiPath: 'admin-api', shopApiPath: 'shop-api', cors: false },
  authOptions: {
    tokenMethod: ['bearer'],
    superadminCredentials: { identifier: process.env.SHOP_USERNAME, password: process.env.SHOP_PASSWORD },
  },
  // sql.js with a file came out malformed; in memory it is sound.
  dbConnectionOptions: { type: 'sqljs', synchronize: true, logging: false },
  paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
  logger: new DefaultLogger({ level: LogLevel.Error }),
  plugins: [DefaultJobQueuePlugin.init({ pollInterval: 500 })],
};
