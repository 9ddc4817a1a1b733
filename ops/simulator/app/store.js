/* Keeps all records in localStorage; where the browser refuses that, in memory until the page closes. */
(function () {
  'use strict';

  const KEY = window.APP.slug + '.v1';
  const listeners = [];
  let persistent = true;
  let state = load();

  function blank() {
    return { records: [], settings: {}, next: 1 };
  }

  function valid(candidate) {
    return Boolean(candidate) && Array.isArray(candidate.records)
      && candidate.records.every((record) => record && typeof record === 'object' && typeof record.title === 'string');
  }

  function load() {
    try {
      const saved = JSON.parse(window.localStorage.getItem(KEY) || 'null');
      return valid(saved) ? Object.assign(blank(), saved) : blank();
    } catch (problem) {
      persistent = false;
      return blank();
    }
  }

  function save() {
    try {
      window.localStorage.setItem(KEY, JSON.stringify(state));
      persistent = true;
    } catch (problem) {
      persistent = false;
    }
    listeners.forEach((listener) => listener());
  }

  window.Store = {
    all: () => state.records.slice(),
    find: (id) => state.records.find((record) => record.id === id) || null,
    add(values) {
      const record = Object.assign({ created: Date.now() }, values, { id: state.next });
      state.next += 1;
      state.records.push(record);
      save();
      return record;
    },
    update(id, changes) {
      const record = window.Store.find(id);
      if (record) {
        Object.assign(record, changes);
        save();
      }
      return record;
    },
    remove(id) {
      const at = state.records.findIndex((record) => record.id === id);
      const gone = at < 0 ? null : state.records.splice(at, 1)[0];
      save();
      return gone && { record: gone, at: at };
    },
    restore(removed) {
      state.records.splice(removed.at, 0, removed.record);
      save();
    },
    setting(name, value) {
      if (value !== undefined) {
        state.settings[name] = value;
        save();
      }
      return state.settings[name];
    },
    exportText: () => JSON.stringify(state, null, 2),
    importText(text) {
      const candidate = JSON.parse(text);
      if (!valid(candidate)) {
        throw new Error('This file holds no records of ' + window.APP.name + '.');
      }
      state = Object.assign(blank(), { settings: candidate.settings || {} });
      candidate.records.forEach((record) => {
        state.records.push(Object.assign({}, record, { id: state.next }));
        state.next += 1;
      });
      save();
    },
    isPersistent: () => persistent,
    onChange: (listener) => listeners.push(listener),
  };
}());
