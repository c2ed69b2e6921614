import { describeBlocks } from '../support/docs/blocks.ts';

describeBlocks('operating');
