/* Wires the page: form, list, search, filters, panels, theme, export. What a record means is the feature's business. */
(function () {
  'use strict';

  const { el, button, toast, nearness, stars } = window.UI;
  const app = window.APP;
  const store = window.Store;
  const feature = window.Features[app.feature];
  const byId = (id) => document.getElementById(id);
  const has = (extra) => app.extras.includes(extra);
  let editing = null;

  const extraFields = [
    has('due') && { name: 'due', label: 'Date', type: 'date' },
    has('tags') && { name: 'tags', label: 'Labels, separated by commas', type: 'text', max: 120 },
    has('link') && { name: 'link', label: 'Link', type: 'url', max: 500, placeholder: 'https://' },
    has('rating') && { name: 'rating', label: 'Stars', type: 'select', options: [['', 'none'], ['1', '1'], ['2', '2'], ['3', '3'], ['4', '4'], ['5', '5']] },
    has('notes') && { name: 'notes', label: 'Remark', type: 'textarea', max: 2000, wide: true },
  ].filter(Boolean);
  const fields = feature.fields.concat(extraFields);

  function control(field) {
    const id = 'field-' + field.name;
    const common = { id: id, name: field.name, required: field.required, maxlength: field.max, placeholder: field.placeholder };
    let input;
    if (field.type === 'textarea') {
      input = el('textarea', common);
    } else if (field.type === 'select') {
      input = el('select', { id: id, name: field.name }, field.options.map(([value, text]) => el('option', { value: value, text: text })));
    } else {
      input = el('input', Object.assign(common, { type: field.type || 'text', min: field.min, step: field.step }));
    }
    if (field.value !== undefined) {
      input.value = typeof field.value === 'function' ? field.value() : field.value;
    }
    return el('div', { class: field.wide ? 'field wide' : 'field' }, [el('label', { for: id, text: field.label }), input]);
  }

  function buildForm() {
    byId('fields').replaceChildren(...fields.map(control));
    byId('form').addEventListener('submit', (event) => {
      event.preventDefault();
      submit();
    });
    byId('cancel').addEventListener('click', () => edit(null));
  }

  function values() {
    const result = {};
    fields.forEach((field) => {
      const text = byId('field-' + field.name).value.trim();
      result[field.name] = field.type === 'number' ? Number(text) : text;
    });
    return result;
  }

  function submit() {
    const entered = values();
    const reason = entered.title === '' ? 'Please fill in: ' + fields[0].label + '.' : feature.check && feature.check(entered);
    byId('problem').hidden = !reason;
    byId('problem').textContent = reason || '';
    if (reason) {
      byId('field-title').focus();
      return;
    }
    if (editing !== null) {
      const old = store.find(editing);
      store.update(editing, feature.create(entered, old));
      toast('Saved “' + entered.title + '”');
    } else {
      store.add(feature.create(entered, null));
      toast('Added “' + entered.title + '”');
    }
    edit(null);
    byId('field-title').focus();
  }

  function edit(record) {
    editing = record ? record.id : null;
    byId('form').reset();
    fields.forEach((field) => {
      const input = byId('field-' + field.name);
      if (record) {
        const shown = feature.show ? feature.show(record, field.name) : record[field.name];
        input.value = shown === undefined || shown === null ? '' : shown;
      } else if (field.value !== undefined) {
        input.value = typeof field.value === 'function' ? field.value() : field.value;
      }
    });
    byId('submit').textContent = record ? 'Save changes' : 'Add ' + app.item;
    byId('form-title').textContent = record ? 'Edit ' + app.item : 'Add ' + app.article + ' ' + app.item;
    byId('cancel').hidden = !record;
    byId('problem').hidden = true;
    if (record) {
      byId('field-title').focus();
    }
  }

  function remove(record) {
    if (editing === record.id) {
      edit(null);
    }
    const removed = store.remove(record.id);
    toast('Deleted “' + record.title + '”', () => store.restore(removed));
  }

  const labels = (record) => String(record.tags || '').split(',').map((label) => label.trim()).filter(Boolean);

  function safeLink(text) {
    return /^https?:\/\//i.test(text || '') ? el('a', { href: text, target: '_blank', rel: 'noreferrer', text: text }) : null;
  }

  function extras(record) {
    const meta = [
      has('due') && record.due && el('span', { class: 'chip', text: record.due + ' · ' + nearness(record.due) }),
      ...(has('tags') ? labels(record).map((label) => el('span', { class: 'chip', text: label })) : []),
      has('rating') && record.rating && stars(record.rating),
      has('link') && safeLink(record.link),
      has('votes') && button('▲ ' + (record.votes || 0), () => store.update(record.id, { votes: (record.votes || 0) + 1 }), { 'aria-label': 'Vote for ' + record.title }),
    ].filter(Boolean);
    return [
      meta.length ? el('div', { class: 'meta' }, meta) : null,
      has('notes') && record.notes ? el('p', { class: 'body', text: record.notes }) : null,
    ];
  }

  function row(record) {
    const parts = feature.row(record);
    return el('li', { class: parts.done ? 'row done' : 'row', 'data-id': record.id }, [
      el('div', { class: 'row-head' }, [
        parts.lead,
        el('span', { class: 'title', text: record.title }),
        parts.aside,
        el('span', { class: 'row-tools' }, [
          button('Edit', () => edit(record), { 'aria-label': 'Edit ' + record.title }),
          button('Delete', () => remove(record), { class: 'ghost small danger', 'aria-label': 'Delete ' + record.title }),
        ]),
      ]),
      ...(parts.body || []),
      ...extras(record),
    ]);
  }

  function choices() {
    const result = [['all', 'All', () => true]].concat(feature.filters || []);
    if (has('tags') || feature.labelled) {
      const names = new Set(store.all().flatMap(labels));
      Array.from(names).sort().forEach((name) => result.push(['label:' + name, 'Label: ' + name, (record) => labels(record).includes(name)]));
    }
    return result;
  }

  const orders = (feature.sorts || []).concat([
    has('votes') && ['votes', 'Most votes', (a, b) => (b.votes || 0) - (a.votes || 0)],
    has('due') && ['due', 'Date', (a, b) => String(a.due || '9').localeCompare(String(b.due || '9'))],
    ['newest', 'Newest', (a, b) => b.id - a.id],
    ['name', 'Name', (a, b) => a.title.localeCompare(b.title)],
  ].filter(Boolean));

  function fill(select, options) {
    const chosen = select.value;
    select.replaceChildren(...options.map(([value, text]) => el('option', { value: value, text: text })));
    select.value = options.some(([value]) => value === chosen) ? chosen : options[0][0];
  }

  function matches(record, query) {
    const text = Object.values(record).filter((value) => typeof value === 'string').join(' ')
      + ' ' + (feature.text ? feature.text(record) : '');
    return query.split(/\s+/).every((word) => text.toLowerCase().includes(word));
  }

  function renderList(records) {
    const available = choices();
    fill(byId('filter'), available);
    const query = byId('search').value.trim().toLowerCase();
    const test = available.find(([value]) => value === byId('filter').value)[2];
    const compare = orders.find(([value]) => value === byId('sort').value)[2];
    const shown = records.filter((record) => test(record) && matches(record, query)).sort(compare);
    byId('list').replaceChildren(...shown.map(row));
    byId('empty').hidden = shown.length > 0;
    byId('samples').hidden = records.length > 0;
    byId('empty-text').textContent = records.length ? 'No ' + app.items + ' match.' : 'No ' + app.items + ' yet. Add your first one above, or start with examples.';
  }

  function render() {
    const records = store.all();
    byId('stats').replaceChildren(...feature.stats(records).map((stat) => el('div', { class: 'stat' }, [
      el('b', { text: String(stat.value) }),
      el('span', { text: stat.label }),
    ])));
    renderList(records);
    panels.forEach((panel) => panel.update(store.all()));
  }

  function theme(name) {
    document.documentElement.dataset.theme = name;
    byId('theme').textContent = name === 'dark' ? 'Light mode' : 'Dark mode';
  }

  function download() {
    const link = el('a', { download: app.slug + '.json', href: URL.createObjectURL(new Blob([store.exportText()], { type: 'application/json' })) });
    link.click();
    URL.revokeObjectURL(link.href);
  }

  function upload(event) {
    const file = event.target.files[0];
    event.target.value = '';
    if (!file) {
      return;
    }
    file.text().then((text) => {
      store.importText(text);
      toast('Imported');
    }).catch((problem) => toast('Not imported: ' + problem.message));
  }

  buildForm();
  fill(byId('sort'), orders);
  const panels = [feature].concat(app.addons.map((name) => window.Features[name])).filter((part) => part.panel).map((part) => part.panel());
  byId('panels').append(...panels.map((panel) => panel.node));
  ['search', 'filter', 'sort'].forEach((id) => byId(id).addEventListener('input', () => renderList(store.all())));
  byId('samples').addEventListener('click', () => app.samples.forEach((sample) => store.add(feature.create(sample, null))));
  byId('theme').addEventListener('click', () => {
    const next = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
    theme(next);
    store.setting('theme', next);
  });
  byId('export').addEventListener('click', download);
  byId('import').addEventListener('change', upload);
  theme(store.setting('theme') || (window.matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'));
  store.onChange(render);
  render();
}());
