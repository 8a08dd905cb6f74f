"use strict";
// Runs the real extension with the real server; only `vscode` itself is a small stand-in. argv: extension's
// folder, server's command, home, project, a file's path, what is selected. Prints what a user would see.

const Module = require("node:module");
const path = require("node:path");

const [extension, command, home, project, file, selected] = process.argv.slice(2);
const seen = { picks: [], messages: [], errors: [], clipboard: null };
const commands = new Map();
const uri = (fsPath) => ({ fsPath });
const workspace = { uri: uri(project) };
const vscode = {
  commands: {
    registerCommand(name, action) {
      commands.set(name, action);
      return { dispose() {} };
    },
  },
  workspace: {
    workspaceFolders: [workspace],
    getWorkspaceFolder: () => workspace,
    getConfiguration: () => ({ get: (name) => ({ command, home })[name] }),
  },
  window: {
    activeTextEditor: {
      selection: { active: { line: 0, character: 0 } },
      document: { uri: uri(file), fileName: file, languageId: "python", getText: () => selected },
    },
    async showQuickPick(items) {
      seen.picks = items.map(({ label, description, detail }) => ({ label, description, detail }));
      return items[0];
    },
    showInformationMessage: (text) => seen.messages.push(text),
    showErrorMessage: (text) => seen.errors.push(text),
  },
  env: { clipboard: { writeText: async (text) => void (seen.clipboard = text) } },
};

const load = Module._load;
Module._load = (name, ...rest) => (name === "vscode" ? vscode : load(name, ...rest));
const { activate, deactivate } = require(path.join(extension, "extension.js"));

(async () => {
  const context = { subscriptions: [] };
  activate(context);
  seen.commands = [...commands.keys()];
  await commands.get("sessionBuddy.suggest")();
  deactivate();
  process.stdout.write(JSON.stringify(seen));
})();
