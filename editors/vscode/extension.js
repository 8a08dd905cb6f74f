"use strict";
// Shows which skill fits the code at the cursor. The record and the ranking are the server's; here is only
// what an editor knows. Nothing is sent but to `session-buddy serve` on this machine.

const vscode = require("vscode");
const { Client } = require("./client.js");

const SELECTION_LIMIT = 1_000_000;

let client = null;
let latest = [];

function activate(context) {
  context.subscriptions.push(
    vscode.commands.registerCommand("sessionBuddy.suggest", suggest),
    vscode.commands.registerCommand("sessionBuddy.use", (number) => use(latest[Number(number ?? 1) - 1])),
    { dispose: deactivate },
  );
}

function deactivate() {
  client?.close();
  client = null;
}

function connected() {
  if (client && !client.closed) return client;
  const settings = vscode.workspace.getConfiguration("sessionBuddy");
  const home = settings.get("home");
  const env = home ? { ...process.env, SESSION_BUDDY_HOME: home } : process.env;
  client = new Client(settings.get("command") || "session-buddy", ["serve"], folder()?.uri.fsPath, env);
  return client;
}

function folder() {
  const uri = vscode.window.activeTextEditor?.document.uri;
  return (uri && vscode.workspace.getWorkspaceFolder(uri)) ?? vscode.workspace.workspaceFolders?.[0];
}

/** What the server is told of the place: IDEContext. */
function place(editor) {
  const { document, selection } = editor;
  const project = folder();
  return {
    file_path: document.uri.fsPath || document.fileName,
    line_number: selection.active.line + 1,
    selected_code: document.getText(selection).slice(0, SELECTION_LIMIT),
    language: document.languageId,
    cursor_position: { row: selection.active.line + 1, col: selection.active.character },
    ...(project ? { project_name: project.uri.fsPath.slice(0, 500) } : {}),
  };
}

function shown(suggestion) {
  const seconds = suggestion.estimated_duration_seconds;
  const took = seconds == null ? "" : `, usually ${Math.round(seconds)} s`;
  return {
    label: suggestion.skill_name,
    description: [`${Math.round(suggestion.confidence * 100)} %${took}`, suggestion.shortcut].filter(Boolean).join("  "),
    detail: suggestion.description,
    suggestion,
  };
}

async function suggest() {
  const editor = vscode.window.activeTextEditor;
  if (!editor) {
    vscode.window.showInformationMessage("Session Buddy: open a file first.");
    return;
  }
  try {
    const answer = await connected().call("suggest_skills_for_code", place(editor));
    latest = answer.suggestions;
    if (latest.length === 0) {
      vscode.window.showInformationMessage(`Session Buddy: ${answer.message}`);
      return;
    }
    const picked = await vscode.window.showQuickPick(latest.map(shown), { placeHolder: answer.message, matchOnDetail: true });
    if (picked) await use(picked.suggestion);
  } catch (error) {
    vscode.window.showErrorMessage(`Session Buddy: ${error.message}`);
  }
}

/** Puts the skill's command where an agent's prompt can take it; what becomes of it the agent's hooks record. */
async function use(suggestion) {
  if (!suggestion) {
    vscode.window.showInformationMessage("Session Buddy: ask for suggestions first.");
    return;
  }
  await vscode.env.clipboard.writeText(`/${suggestion.skill_name}`);
  vscode.window.showInformationMessage(`/${suggestion.skill_name} is in the clipboard; paste it into your agent.`);
}

module.exports = { activate, deactivate };
