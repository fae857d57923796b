// 600 homes whose price follows from their size and city, with a little noise: small, and learnable.
const cities = ["oslo", "bergen", "tromso"];
let state = 7;
const random = () => (state = (state * 48271) % 2147483647) / 2147483647;

console.log("rooms,area,city,price");
for (let i = 0; i < 600; ++i) {
  const rooms = 1 + Math.floor(random() * 6);
  const area = Math.round(20 + rooms * 18 + random() * 20);
  const city = Math.floor(random() * 3);
  const price = Math.round(1000 * (area * (60 - 12 * city) + rooms * 50 + random() * 300));
  console.log(`${rooms},${area},${cities[city]},${price}`);
}
