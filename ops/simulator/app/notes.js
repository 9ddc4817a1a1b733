/* Texts with labels and pins; what is searched for is marked in the text. */
(function () {
  'use strict';

  const { el, button, sum } = window.UI;
  const store = window.Store;
  const words = (record) => (String(record.text || '').match(/\S+/g) || []).length;
  const labels = (record) => String(record.tags || '').split(',').map((label) => label.trim()).filter(Boolean);

  /* The text with every found word in a <mark>, built from nodes so that no text is ever read as HTML. */
  function marked(text) {
    const query = document.getElementById('search').value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const node = el('p', { class: 'body' });
    let at = 0;
    const lower = text.toLowerCase();
    while (at < text.length) {
      const hits = query.map((word) => ({ word: word, where: lower.indexOf(word, at) })).filter((hit) => hit.where >= 0);
      if (!hits.length) {
        break;
      }
      const first = hits.reduce((a, b) => (b.where < a.where ? b : a));
      node.append(text.slice(at, first.where), el('mark', { text: text.slice(first.where, first.where + first.word.length) }));
      at = first.where + first.word.length;
    }
    node.append(text.slice(at));
    return node;
  }

  window.Features.notes = {
    labelled: true,
    fields: [
      { name: 'title', label: 'Title', type: 'text', required: true, max: 120, wide: true },
      { name: 'text', label: 'Text', type: 'textarea', max: 20000, wide: true },
      { name: 'tags', label: 'Labels, separated by commas', type: 'text', max: 120, wide: true },
    ],
    create: (values, old) => Object.assign({ pinned: false }, old, values, { changed: Date.now() }),
    filters: [['pinned', 'Pinned', (record) => record.pinned]],
    sorts: [['recent', 'Pinned, then latest', (a, b) => Number(b.pinned) - Number(a.pinned) || b.changed - a.changed || b.id - a.id]],
    row: (record) => ({
      aside: button(record.pinned ? '★ Pinned' : '☆ Pin', () => store.update(record.id, { pinned: !record.pinned }), {
        'aria-pressed': record.pinned ? 'true' : 'false', 'aria-label': 'Pin ' + record.title,
      }),
      body: [
        record.text ? marked(record.text) : null,
        el('div', { class: 'meta' }, [
          ...labels(record).map((label) => el('span', { class: 'chip', text: label })),
          el('span', { text: new Date(record.changed || record.created || 0).toLocaleDateString() }),
        ]),
      ],
    }),
    stats: (records) => [
      { label: 'written', value: records.length },
      { label: 'words', value: sum(records, words) },
      { label: 'labels', value: new Set(records.flatMap(labels)).size },
    ],
  };
}());
