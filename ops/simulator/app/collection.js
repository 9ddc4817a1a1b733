/* A catalogue: what there is, how far along it is, and how good. */
(function () {
  'use strict';

  const { el, stars, sum } = window.UI;
  const store = window.Store;
  const STATUS = [['planned', 'Planned'], ['active', 'Active'], ['finished', 'Finished']];
  const count = (records, status) => records.filter((record) => record.status === status).length;

  window.Features.collection = {
    fields: [
      { name: 'title', label: 'Name', type: 'text', required: true, max: 120, wide: true },
      { name: 'status', label: 'Status', type: 'select', options: STATUS },
      { name: 'rating', label: 'Stars', type: 'select', options: [['', 'none'], ['1', '1'], ['2', '2'], ['3', '3'], ['4', '4'], ['5', '5']] },
      { name: 'details', label: 'Details', type: 'textarea', max: 4000, wide: true },
    ],
    create: (values, old) => Object.assign({ status: 'planned' }, old, values),
    filters: STATUS.map(([value, text]) => [value, text, (record) => record.status === value]),
    sorts: [
      ['added', 'Newest', (a, b) => b.id - a.id],
      ['rated', 'Best rated', (a, b) => (Number(b.rating) || 0) - (Number(a.rating) || 0) || b.id - a.id],
    ],
    row: (record) => ({
      aside: el('select', {
        class: 'small', style: 'width:auto', 'aria-label': 'Status of ' + record.title,
        on: { change: (event) => store.update(record.id, { status: event.target.value }) },
      }, STATUS.map(([value, text]) => el('option', { value: value, text: text, selected: value === record.status }))),
      body: [
        record.rating ? el('div', { class: 'meta' }, [stars(record.rating)]) : null,
        record.details ? el('p', { class: 'body', text: record.details }) : null,
      ],
    }),
    stats(records) {
      const rated = records.filter((record) => Number(record.rating));
      return STATUS.map(([value, text]) => ({ label: text.toLowerCase(), value: count(records, value) })).concat({
        label: 'average stars', value: rated.length ? (sum(rated, (record) => record.rating) / rated.length).toFixed(1) : '–',
      });
    },
  };
}());
