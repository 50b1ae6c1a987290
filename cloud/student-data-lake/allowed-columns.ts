import type { AllowedColumns } from './contract.ts';

/**
 * What may leave Canvas by default: what counts courses, enrolments and terms. Nothing here names a person, tells an age or a
 * gender, or is written by one.
 */
export const allowedColumns: AllowedColumns = {
  user_dim: ['id', 'canvas_id', 'root_account_id', 'created_at', 'locale', 'workflow_state'],
  course_dim: ['id', 'canvas_id', 'account_id', 'enrollment_term_id', 'name', 'code', 'created_at', 'workflow_state'],
  enrollment_dim: ['id', 'course_id', 'user_id', 'type', 'workflow_state', 'created_at', 'last_activity_at'],
  enrollment_term_dim: ['id', 'canvas_id', 'name', 'date_start', 'date_end'],
};
