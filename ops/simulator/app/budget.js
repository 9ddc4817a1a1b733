/* Income, expenses, what is left, and a limit for the month. Amounts are kept in cents. */
(function () {
  'use strict';

  const { el, bar, day, sum } = window.UI;
  const store = window.Store;
  const money = (cents) => (cents / 100).toLocaleString(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const signed = (record) => (record.kind === 'income' ? record.cents : -record.cents);
  const spending = (records) => records.filter((record) => record.kind !== 'income');
  const thisMonth = (records) => records.filter((record) => String(record.date).slice(0, 7) === day(0).slice(0, 7));
  const category = (record) => record.category || 'Other';

  function panel() {
    const limit = el('input', { type: 'number', min: 0, step: '0.01', id: 'limit', 'aria-label': 'Monthly limit', placeholder: 'No limit' });
    const bars = el('div', { class: 'bars' });
    const node = el('section', { class: 'card', 'aria-labelledby': 'budget-title' }, [
      el('div', { class: 'toolbar' }, [
        el('h2', { id: 'budget-title', text: 'This month' }),
        el('div', { class: 'tools' }, [el('label', { for: 'limit', class: 'meta', text: 'Monthly limit' }), limit]),
      ]),
      bars,
    ]);
    limit.value = store.setting('limit') ? store.setting('limit') / 100 : '';
    limit.addEventListener('change', () => store.setting('limit', Math.max(0, Math.round(Number(limit.value) * 100)) || 0));

    function rows(records) {
      const month = spending(thisMonth(records));
      const spent = sum(month, (record) => record.cents);
      const most = store.setting('limit') || 0;
      const result = most ? [bar(spent > most ? 'Over the limit' : 'Limit used', money(spent) + ' of ' + money(most), spent / most)] : [];
      const groups = new Map();
      month.forEach((record) => groups.set(category(record), (groups.get(category(record)) || 0) + record.cents));
      Array.from(groups).sort((a, b) => b[1] - a[1]).forEach(([name, cents]) => result.push(bar(name, money(cents), cents / spent)));
      return result.length ? result : [el('p', { class: 'meta', text: 'Nothing spent this month.' })];
    }

    return { node: node, update: (records) => bars.replaceChildren(...rows(records)) };
  }

  window.Features.budget = {
    panel: panel,
    fields: [
      { name: 'title', label: 'What for?', type: 'text', required: true, max: 80, placeholder: 'For example: groceries' },
      { name: 'amount', label: 'Amount', type: 'number', min: 0, step: '0.01' },
      { name: 'kind', label: 'Kind', type: 'select', options: [['expense', 'Expense'], ['income', 'Income']] },
      { name: 'category', label: 'Category', type: 'text', max: 40, placeholder: 'Home, food, fun' },
      { name: 'date', label: 'Date', type: 'date', value: () => day(0) },
    ],
    check: (values) => (values.amount > 0 && values.amount < 1e9 ? '' : 'The amount must be more than zero.'),
    create(values, old) {
      const record = Object.assign({}, old, values, { cents: Math.round(Number(values.amount) * 100), date: values.date || day(0) });
      delete record.amount;
      return record;
    },
    show: (record, name) => (name === 'amount' ? record.cents / 100 : record[name]),
    filters: [
      ['month', 'This month', (record) => String(record.date).slice(0, 7) === day(0).slice(0, 7)],
      ['income', 'Income', (record) => record.kind === 'income'],
      ['expense', 'Expenses', (record) => record.kind !== 'income'],
    ],
    sorts: [
      ['date', 'Latest', (a, b) => String(b.date).localeCompare(String(a.date)) || b.id - a.id],
      ['amount', 'Largest', (a, b) => b.cents - a.cents],
    ],
    row: (record) => ({
      aside: el('span', { class: record.kind === 'income' ? 'big good' : 'big', text: (record.kind === 'income' ? '+' : '−') + money(record.cents) }),
      body: [el('div', { class: 'meta' }, [el('span', { class: 'chip', text: category(record) }), el('span', { text: record.date })])],
    }),
    stats: (records) => [
      { label: 'balance', value: money(sum(records, signed)) },
      { label: 'income', value: money(sum(records.filter((record) => record.kind === 'income'), (record) => record.cents)) },
      { label: 'spent', value: money(sum(spending(records), (record) => record.cents)) },
    ],
  };
}());
