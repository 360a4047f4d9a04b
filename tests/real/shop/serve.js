// Starts the shop with the goods every test system has, then prints "ready".
const fs = require('fs');
const { bootstrap, dummyPaymentHandler } = require('@vendure/core');
const { populate } = require('@vendure/core/cli');
const { config } = require('./config');

// With the payment settled at once, or only authorized.
function paymentMethod(name, settles) {
  const args = [{ name: 'automaticSettle', value: String(settles) }];
  return { name, handler: { code: dummyPaymentHandler.code, arguments: args } };
}

const initialData = {
  defaultLanguage: 'en',
  defaultZone: 'Americas',
  countries: [{ name: 'United States', code: 'US', zone: 'Americas' }],
  taxRates: [{ name: 'Standard', percentage: 0 }],
  shippingMethods: [{ name: 'Standard', price: 500 }],
  paymentMethods: [paymentMethod('paid', true), paymentMethod('authorized', false)],
  collections: [],
  roles: [],
};

const head = 'name,slug,description,assets,facets,optionGroups,optionValues,sku,price,taxCategory,stockOnHand,trackInventory,variantAssets,variantFacets';
const goods = JSON.parse(process.env.SHOP_GOODS).map(
  ({ sku, title, price, stock }) => `${title},${sku.toLowerCase()},,,,,,${sku},${price},standard,${stock},true,,`,
);
fs.writeFileSync('products.csv', [head, ...goods, ''].join('\n'));

populate(() => bootstrap(config), initialData, 'products.csv')
  .then(() => console.log('ready'))
  .catch((problem) => {
    console.error(problem);
    process.exit(1);
  });
