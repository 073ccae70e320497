import "./tokens.css";
import "./app.css";
import "./parts/parts.css";

import { mount } from "svelte";

import App from "./App.svelte";
import { theme } from "./theme.svelte.ts";

theme.apply();
mount(App, { target: document.body });
